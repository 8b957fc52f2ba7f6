/*
 * syncmgr/mobsync.h: what a handler in C or C++ needs, on every system.
 *
 * A handler is a library that exports DllGetClassObject. The class object makes objects that implement
 * ISyncMgrSynchronize; see docs/handlers.md and the examples beside it.
 *
 * On Windows this is the system's own mobsync.h, with the few additions of the last section. Elsewhere it declares the
 * same names by itself, so that one source compiles everywhere. A source that says #include <mobsync.h> compiles with
 * this directory (and not only the one above) on the include path.
 *
 * What differs outside Windows:
 *   - WCHAR is char16_t, never wchar_t. Write text as SYNCMGR_TEXT("..."), which is right on every system.
 *   - The calling convention is that of C. Virtual functions are laid out as C++ does it, so an interface must never
 *     get a virtual destructor.
 *   - There are no apartments. Every callback can be called from any thread, without initialization or marshalling.
 *   - CoTaskMemAlloc and CoTaskMemFree are malloc and free. What the contract wants from the task allocator must come
 *     from there and not from operator new.
 *   - An exception must not leave a method, on any system.
 */
#ifndef SYNCMGR_MOBSYNC_H
#define SYNCMGR_MOBSYNC_H

#ifdef _WIN32

#include <windows.h>
#include <objbase.h>
#include <mobsync.h>

#include <stddef.h>
#include <stdint.h>

#else /* !_WIN32 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- Words of the language ------------------------------------------------------------------------------------- */

#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif

#define STDMETHODCALLTYPE
#define STDAPICALLTYPE
#define WINAPI
#define STDMETHODIMP HRESULT STDMETHODCALLTYPE
#define STDMETHODIMP_(type) type STDMETHODCALLTYPE
#define STDAPI EXTERN_C __attribute__((visibility("default"))) HRESULT STDAPICALLTYPE
#define STDAPI_(type) EXTERN_C __attribute__((visibility("default"))) type STDAPICALLTYPE
#ifdef __cplusplus
#define STDMETHOD(method) virtual HRESULT STDMETHODCALLTYPE method
#define STDMETHOD_(type, method) virtual type STDMETHODCALLTYPE method
#define PURE = 0
#endif

typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD;
typedef uint32_t ULONG;
typedef uint32_t UINT;
typedef int32_t INT;
typedef int32_t LONG;
typedef int32_t HRESULT;
typedef int32_t SCODE;
typedef int32_t BOOL;
typedef void *HANDLE;
typedef void *HWND;
typedef void *HICON;
typedef void *HINSTANCE;
typedef void *HMODULE;
typedef void *LPVOID;
typedef DWORD *LPDWORD;
typedef BYTE *LPBYTE;

#ifdef __cplusplus
typedef char16_t WCHAR;
#elif defined(__CHAR16_TYPE__)
typedef __CHAR16_TYPE__ WCHAR;
#else
typedef uint_least16_t WCHAR;
#endif
typedef WCHAR OLECHAR;
typedef WCHAR *LPWSTR;
typedef WCHAR *LPOLESTR;
typedef const WCHAR *LPCWSTR;
typedef const WCHAR *LPCOLESTR;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

/* ---- Identifiers ------------------------------------------------------------------------------------------------ */

typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;
typedef GUID IID;
typedef GUID CLSID;
typedef GUID *LPGUID;
typedef IID *LPIID;
typedef CLSID *LPCLSID;

typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME;
typedef FILETIME *LPFILETIME;

#ifdef __cplusplus
#define REFGUID const GUID &
#define REFIID const IID &
#define REFCLSID const CLSID &

inline int IsEqualGUID(REFGUID a, REFGUID b) { return memcmp(&a, &b, sizeof(GUID)) == 0; }
inline bool operator==(REFGUID a, REFGUID b) { return IsEqualGUID(a, b) != 0; }
inline bool operator!=(REFGUID a, REFGUID b) { return IsEqualGUID(a, b) == 0; }
#else
#define REFGUID const GUID *
#define REFIID const IID *
#define REFCLSID const CLSID *

static inline int IsEqualGUID(REFGUID a, REFGUID b) { return memcmp(a, b, sizeof(GUID)) == 0; }
#endif
#define IsEqualIID(a, b) IsEqualGUID(a, b)
#define IsEqualCLSID(a, b) IsEqualGUID(a, b)

/* ---- Results ---------------------------------------------------------------------------------------------------- */

#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)

#define SEVERITY_SUCCESS 0
#define SEVERITY_ERROR 1
#define FACILITY_ITF 4
#define FACILITY_WIN32 7
#define MAKE_HRESULT(severity, facility, code) \
    ((HRESULT)(((uint32_t)(severity) << 31) | ((uint32_t)(facility) << 16) | (uint32_t)(code)))
#define MAKE_SCODE(severity, facility, code) MAKE_HRESULT(severity, facility, code)

#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_NOTIMPL ((HRESULT)0x80004001u)
#define E_NOINTERFACE ((HRESULT)0x80004002u)
#define E_POINTER ((HRESULT)0x80004003u)
#define E_ABORT ((HRESULT)0x80004004u)
#define E_FAIL ((HRESULT)0x80004005u)
#define E_UNEXPECTED ((HRESULT)0x8000FFFFu)
#define E_ACCESSDENIED ((HRESULT)0x80070005u)
#define E_OUTOFMEMORY ((HRESULT)0x8007000Eu)
#define E_INVALIDARG ((HRESULT)0x80070057u)
#define CO_E_NOTINITIALIZED ((HRESULT)0x800401F0u)
#define CLASS_E_NOAGGREGATION ((HRESULT)0x80040110u)
#define CLASS_E_CLASSNOTAVAILABLE ((HRESULT)0x80040111u)
#define REGDB_E_CLASSNOTREG ((HRESULT)0x80040154u)

#define S_SYNCMGR_MISSINGITEMS MAKE_SCODE(SEVERITY_SUCCESS, FACILITY_ITF, 0x0201)
#define S_SYNCMGR_RETRYSYNC MAKE_SCODE(SEVERITY_SUCCESS, FACILITY_ITF, 0x0202)
#define S_SYNCMGR_CANCELITEM MAKE_SCODE(SEVERITY_SUCCESS, FACILITY_ITF, 0x0203)
#define S_SYNCMGR_CANCELALL MAKE_SCODE(SEVERITY_SUCCESS, FACILITY_ITF, 0x0204)
#define S_SYNCMGR_ITEMDELETED MAKE_SCODE(SEVERITY_SUCCESS, FACILITY_ITF, 0x0210)
#define S_SYNCMGR_ENUMITEMS MAKE_SCODE(SEVERITY_SUCCESS, FACILITY_ITF, 0x0211)

/* ---- Values ----------------------------------------------------------------------------------------------------- */

typedef GUID SYNCMGRITEMID;
typedef GUID SYNCMGRERRORID;
#define REFSYNCMGRITEMID REFGUID
#define REFSYNCMGRERRORID REFGUID

/* Initialize: one event in the low byte, an enumeration and not a set, and two bits. */
typedef enum _tagSYNCMGRFLAG {
    SYNCMGRFLAG_CONNECT = 0x0001,
    SYNCMGRFLAG_PENDINGDISCONNECT = 0x0002,
    SYNCMGRFLAG_MANUAL = 0x0003,
    SYNCMGRFLAG_IDLE = 0x0004,
    SYNCMGRFLAG_INVOKE = 0x0005,
    SYNCMGRFLAG_SCHEDULED = 0x0006,
    SYNCMGRFLAG_EVENTMASK = 0x00FF,
    SYNCMGRFLAG_SETTINGS = 0x0100,
    SYNCMGRFLAG_MAYBOTHERUSER = 0x0200
} SYNCMGRFLAG;

typedef enum _tagSYNCMGRHANDLERFLAGS {
    SYNCMGRHANDLER_HASPROPERTIES = 0x01,
    SYNCMGRHANDLER_MAYESTABLISHCONNECTION = 0x02,
    SYNCMGRHANDLER_ALWAYSLISTHANDLER = 0x04,
    SYNCMGRHANDLER_HIDDEN = 0x08
} SYNCMGRHANDLERFLAGS;
#define SYNCMGRHANDLERFLAG_MASK 0x0F

typedef enum _tagSYNCMGRITEMFLAGS {
    SYNCMGRITEM_HASPROPERTIES = 0x01,
    SYNCMGRITEM_TEMPORARY = 0x02,
    SYNCMGRITEM_ROAMINGUSER = 0x04,
    SYNCMGRITEM_LASTUPDATETIME = 0x08,
    SYNCMGRITEM_MAYDELETEITEM = 0x10,
    SYNCMGRITEM_HIDDEN = 0x20
} SYNCMGRITEMFLAGS;
#define SYNCMGRITEM_ITEMFLAGMASK 0x7F

typedef enum _tagSYNCMGRITEMSTATE {
    SYNCMGRITEMSTATE_UNCHECKED = 0,
    SYNCMGRITEMSTATE_CHECKED = 1
} SYNCMGRITEMSTATE;

/* Progress and SetItemStatus: an enumeration, not a set. */
typedef enum _tagSYNCMGRSTATUS {
    SYNCMGRSTATUS_STOPPED = 0x000,
    SYNCMGRSTATUS_SKIPPED = 0x001,
    SYNCMGRSTATUS_PENDING = 0x002,
    SYNCMGRSTATUS_UPDATING = 0x003,
    SYNCMGRSTATUS_SUCCEEDED = 0x004,
    SYNCMGRSTATUS_FAILED = 0x005,
    SYNCMGRSTATUS_PAUSED = 0x006,
    SYNCMGRSTATUS_RESUMING = 0x007,
    SYNCMGRSTATUS_UPDATING_INDETERMINATE = 0x008,
    SYNCMGRSTATUS_DELETED = 0x100
} SYNCMGRSTATUS;

#define SYNCMGRPROGRESSITEM_STATUSTEXT 0x0001
#define SYNCMGRPROGRESSITEM_STATUSTYPE 0x0002
#define SYNCMGRPROGRESSITEM_PROGVALUE 0x0004
#define SYNCMGRPROGRESSITEM_MAXVALUE 0x0008

typedef enum _tagSYNCMGRLOGLEVEL {
    SYNCMGRLOGLEVEL_INFORMATION = 1,
    SYNCMGRLOGLEVEL_WARNING = 2,
    SYNCMGRLOGLEVEL_ERROR = 3,
    SYNCMGRLOGLEVEL_LOGLEVELMAX = 3
} SYNCMGRLOGLEVEL;

#define SYNCMGRLOGERROR_ERRORFLAGS 0x0001
#define SYNCMGRLOGERROR_ERRORID 0x0002
#define SYNCMGRLOGERROR_ITEMID 0x0004

typedef enum _tagSYNCMGRERRORFLAGS { SYNCMGRERRORFLAG_ENABLEJUMPTEXT = 0x0001 } SYNCMGRERRORFLAGS;

typedef enum _tagSYNCMGRINVOKEFLAGS {
    SYNCMGRINVOKE_STARTSYNC = 0x0002,
    SYNCMGRINVOKE_MINIMIZED = 0x0004
} SYNCMGRINVOKEFLAGS;

typedef enum _tagSYNCMGRREGISTERFLAGS {
    SYNCMGRREGISTERFLAG_CONNECT = 0x0001,
    SYNCMGRREGISTERFLAG_PENDINGDISCONNECT = 0x0002,
    SYNCMGRREGISTERFLAG_IDLE = 0x0004
} SYNCMGRREGISTERFLAGS;
#define SYNCMGRREGISTERFLAGS_MASK 0x07

/* ---- Structures ------------------------------------------------------------------------------------------------- */

#define MAX_SYNCMGRHANDLERNAME (32)
#define MAX_SYNCMGRITEMNAME (128)

/* GetHandlerInfo: one block from CoTaskMemAlloc, which the manager frees. */
typedef struct _tagSYNCMGRHANDLERINFO {
    DWORD cbSize;
    HICON hIcon;
    DWORD SyncMgrHandlerFlags;
    WCHAR wszHandlerName[MAX_SYNCMGRHANDLERNAME];
} SYNCMGRHANDLERINFO, *LPSYNCMGRHANDLERINFO;

typedef struct _tagSYNCMGRITEM {
    DWORD cbSize;
    DWORD dwFlags;
    SYNCMGRITEMID ItemID;
    DWORD dwItemState;
    HICON hIcon;
    WCHAR wszItemName[MAX_SYNCMGRITEMNAME];
    FILETIME ftLastUpdate;
} SYNCMGRITEM, *LPSYNCMGRITEM;

typedef struct _tagSYNCMGRPROGRESSITEM {
    DWORD cbSize;
    UINT mask;
    LPCWSTR lpcStatusText;
    DWORD dwStatusType;
    INT iProgValue;
    INT iMaxValue;
} SYNCMGRPROGRESSITEM, *LPSYNCMGRPROGRESSITEM;

typedef struct _tagSYNCMGRLOGERRORINFO {
    DWORD cbSize;
    DWORD mask;
    DWORD dwSyncMgrErrorFlags;
    SYNCMGRERRORID ErrorID;
    SYNCMGRITEMID ItemID;
} SYNCMGRLOGERRORINFO, *LPSYNCMGRLOGERRORINFO;

/* ---- Interfaces ------------------------------------------------------------------------------------------------- */

typedef struct IUnknown IUnknown;
typedef struct IClassFactory IClassFactory;
typedef struct ISyncMgrSynchronize ISyncMgrSynchronize;
typedef struct ISyncMgrSynchronizeCallback ISyncMgrSynchronizeCallback;
typedef struct ISyncMgrEnumItems ISyncMgrEnumItems;
typedef struct ISyncMgrSynchronizeInvoke ISyncMgrSynchronizeInvoke;
typedef struct ISyncMgrRegister ISyncMgrRegister;

typedef IUnknown *LPUNKNOWN;
typedef IClassFactory *LPCLASSFACTORY;
typedef ISyncMgrSynchronize *LPSYNCMGRSYNCHRONIZE;
typedef ISyncMgrSynchronize *LPSYNCMGROnSynchronize;
typedef ISyncMgrSynchronizeCallback *LPSYNCMGRSYNCHRONIZECALLBACK;
typedef ISyncMgrEnumItems *LPSYNCMGRENUMITEMS;
typedef ISyncMgrSynchronizeInvoke *LPSYNCMGRSYNCHRONIZEINVOKE;
typedef ISyncMgrRegister *LPSYNCMGRREGISTER;

#if defined(__cplusplus) && !defined(CINTERFACE)

struct IUnknown {
    virtual HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **ppvObject) = 0;
    virtual ULONG STDMETHODCALLTYPE AddRef() = 0;
    virtual ULONG STDMETHODCALLTYPE Release() = 0;
};

struct IClassFactory : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE CreateInstance(IUnknown *pUnkOuter, REFIID riid, void **ppvObject) = 0;
    virtual HRESULT STDMETHODCALLTYPE LockServer(BOOL fLock) = 0;
};

struct ISyncMgrSynchronize : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Initialize(DWORD dwReserved, DWORD dwSyncMgrFlags, DWORD cbCookie,
                                                 const BYTE *lpCookie) = 0;
    virtual HRESULT STDMETHODCALLTYPE GetHandlerInfo(LPSYNCMGRHANDLERINFO *ppSyncMgrHandlerInfo) = 0;
    virtual HRESULT STDMETHODCALLTYPE EnumSyncMgrItems(ISyncMgrEnumItems **ppSyncMgrEnumItems) = 0;
    virtual HRESULT STDMETHODCALLTYPE GetItemObject(REFSYNCMGRITEMID ItemID, REFIID riid, void **ppv) = 0;
    virtual HRESULT STDMETHODCALLTYPE ShowProperties(HWND hWndParent, REFSYNCMGRITEMID ItemID) = 0;
    virtual HRESULT STDMETHODCALLTYPE SetProgressCallback(ISyncMgrSynchronizeCallback *lpCallBack) = 0;
    virtual HRESULT STDMETHODCALLTYPE PrepareForSync(ULONG cbNumItems, SYNCMGRITEMID *pItemIDs, HWND hWndParent,
                                                     DWORD dwReserved) = 0;
    virtual HRESULT STDMETHODCALLTYPE Synchronize(HWND hWndParent) = 0;
    virtual HRESULT STDMETHODCALLTYPE SetItemStatus(REFSYNCMGRITEMID ItemID, DWORD dwSyncMgrStatus) = 0;
    virtual HRESULT STDMETHODCALLTYPE ShowError(HWND hWndParent, REFSYNCMGRERRORID ErrorID) = 0;
};

struct ISyncMgrSynchronizeCallback : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE ShowPropertiesCompleted(HRESULT hr) = 0;
    virtual HRESULT STDMETHODCALLTYPE PrepareForSyncCompleted(HRESULT hr) = 0;
    virtual HRESULT STDMETHODCALLTYPE SynchronizeCompleted(HRESULT hr) = 0;
    virtual HRESULT STDMETHODCALLTYPE ShowErrorCompleted(HRESULT hr, ULONG cItems, const SYNCMGRITEMID *pItemIDs) = 0;
    virtual HRESULT STDMETHODCALLTYPE EnableModeless(BOOL fEnable) = 0;
    virtual HRESULT STDMETHODCALLTYPE Progress(REFSYNCMGRITEMID ItemID, const SYNCMGRPROGRESSITEM *pSyncProgressItem) = 0;
    virtual HRESULT STDMETHODCALLTYPE LogError(DWORD dwErrorLevel, LPCWSTR pszErrorText,
                                               const SYNCMGRLOGERRORINFO *pSyncLogError) = 0;
    virtual HRESULT STDMETHODCALLTYPE DeleteLogError(REFSYNCMGRERRORID ErrorID, DWORD dwReserved) = 0;
    virtual HRESULT STDMETHODCALLTYPE EstablishConnection(LPCWSTR pwszConnection, DWORD dwReserved) = 0;
};

struct ISyncMgrEnumItems : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Next(ULONG celt, LPSYNCMGRITEM rgelt, ULONG *pceltFetched) = 0;
    virtual HRESULT STDMETHODCALLTYPE Skip(ULONG celt) = 0;
    virtual HRESULT STDMETHODCALLTYPE Reset() = 0;
    virtual HRESULT STDMETHODCALLTYPE Clone(ISyncMgrEnumItems **ppenum) = 0;
};

struct ISyncMgrSynchronizeInvoke : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE UpdateItems(DWORD dwInvokeFlags, REFCLSID clsid, DWORD cbCookie,
                                                  const BYTE *pCookie) = 0;
    virtual HRESULT STDMETHODCALLTYPE UpdateAll() = 0;
};

struct ISyncMgrRegister : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE RegisterSyncMgrHandler(REFCLSID clsidHandler, LPCWSTR pwszDescription,
                                                             DWORD dwSyncMgrRegisterFlags) = 0;
    virtual HRESULT STDMETHODCALLTYPE UnregisterSyncMgrHandler(REFCLSID clsidHandler, DWORD dwReserved) = 0;
    virtual HRESULT STDMETHODCALLTYPE GetHandlerRegistrationInfo(REFCLSID clsidHandler,
                                                                 LPDWORD pdwSyncMgrRegisterFlags) = 0;
};

#else /* C: a pointer to a table of functions, which take the object first. */

#define SYNCMGR_UNKNOWN_SLOTS_(type)                                                       \
    HRESULT(STDMETHODCALLTYPE *QueryInterface)(type * This, REFIID riid, void **ppvObject); \
    ULONG(STDMETHODCALLTYPE *AddRef)(type * This);                                          \
    ULONG(STDMETHODCALLTYPE *Release)(type * This);

typedef struct IUnknownVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(IUnknown)
} IUnknownVtbl;
struct IUnknown {
    const IUnknownVtbl *lpVtbl;
};

typedef struct IClassFactoryVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(IClassFactory)
    HRESULT(STDMETHODCALLTYPE *CreateInstance)(IClassFactory *This, IUnknown *pUnkOuter, REFIID riid, void **ppvObject);
    HRESULT(STDMETHODCALLTYPE *LockServer)(IClassFactory *This, BOOL fLock);
} IClassFactoryVtbl;
struct IClassFactory {
    const IClassFactoryVtbl *lpVtbl;
};

typedef struct ISyncMgrSynchronizeVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(ISyncMgrSynchronize)
    HRESULT(STDMETHODCALLTYPE *Initialize)(ISyncMgrSynchronize *This, DWORD dwReserved, DWORD dwSyncMgrFlags,
                                           DWORD cbCookie, const BYTE *lpCookie);
    HRESULT(STDMETHODCALLTYPE *GetHandlerInfo)(ISyncMgrSynchronize *This, LPSYNCMGRHANDLERINFO *ppSyncMgrHandlerInfo);
    HRESULT(STDMETHODCALLTYPE *EnumSyncMgrItems)(ISyncMgrSynchronize *This, ISyncMgrEnumItems **ppSyncMgrEnumItems);
    HRESULT(STDMETHODCALLTYPE *GetItemObject)(ISyncMgrSynchronize *This, REFSYNCMGRITEMID ItemID, REFIID riid, void **ppv);
    HRESULT(STDMETHODCALLTYPE *ShowProperties)(ISyncMgrSynchronize *This, HWND hWndParent, REFSYNCMGRITEMID ItemID);
    HRESULT(STDMETHODCALLTYPE *SetProgressCallback)(ISyncMgrSynchronize *This, ISyncMgrSynchronizeCallback *lpCallBack);
    HRESULT(STDMETHODCALLTYPE *PrepareForSync)(ISyncMgrSynchronize *This, ULONG cbNumItems, SYNCMGRITEMID *pItemIDs,
                                               HWND hWndParent, DWORD dwReserved);
    HRESULT(STDMETHODCALLTYPE *Synchronize)(ISyncMgrSynchronize *This, HWND hWndParent);
    HRESULT(STDMETHODCALLTYPE *SetItemStatus)(ISyncMgrSynchronize *This, REFSYNCMGRITEMID ItemID, DWORD dwSyncMgrStatus);
    HRESULT(STDMETHODCALLTYPE *ShowError)(ISyncMgrSynchronize *This, HWND hWndParent, REFSYNCMGRERRORID ErrorID);
} ISyncMgrSynchronizeVtbl;
struct ISyncMgrSynchronize {
    const ISyncMgrSynchronizeVtbl *lpVtbl;
};

typedef struct ISyncMgrSynchronizeCallbackVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(ISyncMgrSynchronizeCallback)
    HRESULT(STDMETHODCALLTYPE *ShowPropertiesCompleted)(ISyncMgrSynchronizeCallback *This, HRESULT hr);
    HRESULT(STDMETHODCALLTYPE *PrepareForSyncCompleted)(ISyncMgrSynchronizeCallback *This, HRESULT hr);
    HRESULT(STDMETHODCALLTYPE *SynchronizeCompleted)(ISyncMgrSynchronizeCallback *This, HRESULT hr);
    HRESULT(STDMETHODCALLTYPE *ShowErrorCompleted)(ISyncMgrSynchronizeCallback *This, HRESULT hr, ULONG cItems,
                                                   const SYNCMGRITEMID *pItemIDs);
    HRESULT(STDMETHODCALLTYPE *EnableModeless)(ISyncMgrSynchronizeCallback *This, BOOL fEnable);
    HRESULT(STDMETHODCALLTYPE *Progress)(ISyncMgrSynchronizeCallback *This, REFSYNCMGRITEMID ItemID,
                                         const SYNCMGRPROGRESSITEM *pSyncProgressItem);
    HRESULT(STDMETHODCALLTYPE *LogError)(ISyncMgrSynchronizeCallback *This, DWORD dwErrorLevel, LPCWSTR pszErrorText,
                                         const SYNCMGRLOGERRORINFO *pSyncLogError);
    HRESULT(STDMETHODCALLTYPE *DeleteLogError)(ISyncMgrSynchronizeCallback *This, REFSYNCMGRERRORID ErrorID,
                                               DWORD dwReserved);
    HRESULT(STDMETHODCALLTYPE *EstablishConnection)(ISyncMgrSynchronizeCallback *This, LPCWSTR pwszConnection,
                                                    DWORD dwReserved);
} ISyncMgrSynchronizeCallbackVtbl;
struct ISyncMgrSynchronizeCallback {
    const ISyncMgrSynchronizeCallbackVtbl *lpVtbl;
};

typedef struct ISyncMgrEnumItemsVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(ISyncMgrEnumItems)
    HRESULT(STDMETHODCALLTYPE *Next)(ISyncMgrEnumItems *This, ULONG celt, LPSYNCMGRITEM rgelt, ULONG *pceltFetched);
    HRESULT(STDMETHODCALLTYPE *Skip)(ISyncMgrEnumItems *This, ULONG celt);
    HRESULT(STDMETHODCALLTYPE *Reset)(ISyncMgrEnumItems *This);
    HRESULT(STDMETHODCALLTYPE *Clone)(ISyncMgrEnumItems *This, ISyncMgrEnumItems **ppenum);
} ISyncMgrEnumItemsVtbl;
struct ISyncMgrEnumItems {
    const ISyncMgrEnumItemsVtbl *lpVtbl;
};

typedef struct ISyncMgrSynchronizeInvokeVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(ISyncMgrSynchronizeInvoke)
    HRESULT(STDMETHODCALLTYPE *UpdateItems)(ISyncMgrSynchronizeInvoke *This, DWORD dwInvokeFlags, REFCLSID clsid,
                                            DWORD cbCookie, const BYTE *pCookie);
    HRESULT(STDMETHODCALLTYPE *UpdateAll)(ISyncMgrSynchronizeInvoke *This);
} ISyncMgrSynchronizeInvokeVtbl;
struct ISyncMgrSynchronizeInvoke {
    const ISyncMgrSynchronizeInvokeVtbl *lpVtbl;
};

typedef struct ISyncMgrRegisterVtbl {
    SYNCMGR_UNKNOWN_SLOTS_(ISyncMgrRegister)
    HRESULT(STDMETHODCALLTYPE *RegisterSyncMgrHandler)(ISyncMgrRegister *This, REFCLSID clsidHandler,
                                                       LPCWSTR pwszDescription, DWORD dwSyncMgrRegisterFlags);
    HRESULT(STDMETHODCALLTYPE *UnregisterSyncMgrHandler)(ISyncMgrRegister *This, REFCLSID clsidHandler, DWORD dwReserved);
    HRESULT(STDMETHODCALLTYPE *GetHandlerRegistrationInfo)(ISyncMgrRegister *This, REFCLSID clsidHandler,
                                                           LPDWORD pdwSyncMgrRegisterFlags);
} ISyncMgrRegisterVtbl;
struct ISyncMgrRegister {
    const ISyncMgrRegisterVtbl *lpVtbl;
};

#ifdef COBJMACROS
#define IUnknown_QueryInterface(This, riid, out) (This)->lpVtbl->QueryInterface(This, riid, out)
#define IUnknown_AddRef(This) (This)->lpVtbl->AddRef(This)
#define IUnknown_Release(This) (This)->lpVtbl->Release(This)
#define ISyncMgrSynchronizeCallback_QueryInterface(This, riid, out) (This)->lpVtbl->QueryInterface(This, riid, out)
#define ISyncMgrSynchronizeCallback_AddRef(This) (This)->lpVtbl->AddRef(This)
#define ISyncMgrSynchronizeCallback_Release(This) (This)->lpVtbl->Release(This)
#define ISyncMgrSynchronizeCallback_ShowPropertiesCompleted(This, hr) (This)->lpVtbl->ShowPropertiesCompleted(This, hr)
#define ISyncMgrSynchronizeCallback_PrepareForSyncCompleted(This, hr) (This)->lpVtbl->PrepareForSyncCompleted(This, hr)
#define ISyncMgrSynchronizeCallback_SynchronizeCompleted(This, hr) (This)->lpVtbl->SynchronizeCompleted(This, hr)
#define ISyncMgrSynchronizeCallback_ShowErrorCompleted(This, hr, count, ids) \
    (This)->lpVtbl->ShowErrorCompleted(This, hr, count, ids)
#define ISyncMgrSynchronizeCallback_EnableModeless(This, enable) (This)->lpVtbl->EnableModeless(This, enable)
#define ISyncMgrSynchronizeCallback_Progress(This, id, item) (This)->lpVtbl->Progress(This, id, item)
#define ISyncMgrSynchronizeCallback_LogError(This, level, text, info) (This)->lpVtbl->LogError(This, level, text, info)
#define ISyncMgrSynchronizeCallback_DeleteLogError(This, id, reserved) (This)->lpVtbl->DeleteLogError(This, id, reserved)
#define ISyncMgrSynchronizeCallback_EstablishConnection(This, name, reserved) \
    (This)->lpVtbl->EstablishConnection(This, name, reserved)
#define ISyncMgrEnumItems_QueryInterface(This, riid, out) (This)->lpVtbl->QueryInterface(This, riid, out)
#define ISyncMgrEnumItems_AddRef(This) (This)->lpVtbl->AddRef(This)
#define ISyncMgrEnumItems_Release(This) (This)->lpVtbl->Release(This)
#define ISyncMgrEnumItems_Next(This, count, items, fetched) (This)->lpVtbl->Next(This, count, items, fetched)
#define ISyncMgrEnumItems_Skip(This, count) (This)->lpVtbl->Skip(This, count)
#define ISyncMgrEnumItems_Reset(This) (This)->lpVtbl->Reset(This)
#define ISyncMgrEnumItems_Clone(This, out) (This)->lpVtbl->Clone(This, out)
#define ISyncMgrSynchronize_QueryInterface(This, riid, out) (This)->lpVtbl->QueryInterface(This, riid, out)
#define ISyncMgrSynchronize_AddRef(This) (This)->lpVtbl->AddRef(This)
#define ISyncMgrSynchronize_Release(This) (This)->lpVtbl->Release(This)
#define ISyncMgrSynchronizeInvoke_AddRef(This) (This)->lpVtbl->AddRef(This)
#define ISyncMgrSynchronizeInvoke_Release(This) (This)->lpVtbl->Release(This)
#define ISyncMgrSynchronizeInvoke_UpdateItems(This, flags, class_id, size, cookie) \
    (This)->lpVtbl->UpdateItems(This, flags, class_id, size, cookie)
#define ISyncMgrSynchronizeInvoke_UpdateAll(This) (This)->lpVtbl->UpdateAll(This)
#define ISyncMgrRegister_AddRef(This) (This)->lpVtbl->AddRef(This)
#define ISyncMgrRegister_Release(This) (This)->lpVtbl->Release(This)
#define ISyncMgrRegister_RegisterSyncMgrHandler(This, class_id, description, flags) \
    (This)->lpVtbl->RegisterSyncMgrHandler(This, class_id, description, flags)
#define ISyncMgrRegister_UnregisterSyncMgrHandler(This, class_id, reserved) \
    (This)->lpVtbl->UnregisterSyncMgrHandler(This, class_id, reserved)
#define ISyncMgrRegister_GetHandlerRegistrationInfo(This, class_id, flags) \
    (This)->lpVtbl->GetHandlerRegistrationInfo(This, class_id, flags)
#endif /* COBJMACROS */

#endif /* C */

/* ---- The task allocator and counting ---------------------------------------------------------------------------- */

static inline LPVOID CoTaskMemAlloc(size_t cb) { return malloc(cb); }
static inline LPVOID CoTaskMemRealloc(LPVOID pv, size_t cb) { return realloc(pv, cb); }
static inline void CoTaskMemFree(LPVOID pv) { free(pv); }

static inline LONG InterlockedIncrement(LONG volatile *value) { return __atomic_add_fetch(value, 1, __ATOMIC_SEQ_CST); }
static inline LONG InterlockedDecrement(LONG volatile *value) { return __atomic_sub_fetch(value, 1, __ATOMIC_SEQ_CST); }
static inline LONG InterlockedExchange(LONG volatile *value, LONG to) {
    return __atomic_exchange_n(value, to, __ATOMIC_SEQ_CST);
}
static inline LONG InterlockedCompareExchange(LONG volatile *value, LONG to, LONG from) {
    __atomic_compare_exchange_n(value, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return from;
}

/* ---- What a library exports ------------------------------------------------------------------------------------- */

STDAPI DllGetClassObject(REFCLSID rclsid, REFIID riid, LPVOID *ppv);
STDAPI DllCanUnloadNow(void);

#endif /* !_WIN32 */

/* ---- Additions of syncmgr, on every system ---------------------------------------------------------------------- */

/* Text of the contract: an array of WCHAR. */
#ifdef _WIN32
#define SYNCMGR_TEXT(text) L##text
#else
#define SYNCMGR_TEXT(text) u##text
#endif

/* An interface or class identifier, private to the source file. */
#if defined(__GNUC__) || defined(__clang__)
#define SYNCMGR_GUID(name, ...) static const GUID name __attribute__((unused)) = {__VA_ARGS__}
#else
#define SYNCMGR_GUID(name, ...) static const GUID name = {__VA_ARGS__}
#endif

/*
 * The identifiers themselves. The system's mobsync.h only declares them, and not every compiler's library has them, so
 * they are defined here on Windows too; several definitions are one.
 */
#ifdef _WIN32
#ifdef __cplusplus
#define SYNCMGR_EXTERN_ extern "C"
#else
#define SYNCMGR_EXTERN_
#endif
#define SYNCMGR_ID_(name, first)                            \
    SYNCMGR_EXTERN_ const GUID __declspec(selectany) name = \
        {first, 0x35EE, 0x11D1, {0x87, 0x07, 0x00, 0xC0, 0x4F, 0xD9, 0x33, 0x27}}
#else
#define SYNCMGR_ID_(name, first) \
    SYNCMGR_GUID(name, first, 0x35EE, 0x11D1, {0x87, 0x07, 0x00, 0xC0, 0x4F, 0xD9, 0x33, 0x27})
SYNCMGR_GUID(GUID_NULL, 0, 0, 0, {0, 0, 0, 0, 0, 0, 0, 0});
SYNCMGR_GUID(IID_IUnknown, 0x00000000, 0x0000, 0x0000, {0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46});
SYNCMGR_GUID(IID_IClassFactory, 0x00000001, 0x0000, 0x0000, {0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46});
SYNCMGR_GUID(LIBID_SyncObjects, 0x6E586F48, 0x379C, 0x459C, {0x9B, 0xEB, 0x62, 0x4A, 0x7E, 0x83, 0x16, 0xEB});
#endif
SYNCMGR_ID_(CLSID_SyncMgr, 0x6295DF27);
SYNCMGR_ID_(IID_ISyncMgrEnumItems, 0x6295DF2A);
SYNCMGR_ID_(IID_ISyncMgrSynchronizeInvoke, 0x6295DF2C);
SYNCMGR_ID_(IID_ISyncMgrSynchronize, 0x6295DF40);
SYNCMGR_ID_(IID_ISyncMgrSynchronizeCallback, 0x6295DF41);
SYNCMGR_ID_(IID_ISyncMgrRegister, 0x6295DF42);
#undef SYNCMGR_ID_
#undef SYNCMGR_EXTERN_

/*
 * An optional export: names the handler classes of a library, so that `syncmgr register ./libname.so` needs no class.
 * Writes how many there are to *count, and at most capacity of them to classes, which may be null with capacity 0.
 * S_OK: all were written. S_FALSE: there are more than capacity.
 */
STDAPI SyncMgrGetClasses(CLSID *classes, ULONG capacity, ULONG *count);

/* The time of a file as the contract wants it, from seconds since 1970 and nanoseconds. */
static inline FILETIME SyncMgrFileTime(int64_t seconds, uint32_t nanoseconds) {
    const uint64_t ticks = (uint64_t)(seconds + 11644473600) * 10000000u + nanoseconds / 100u;
    FILETIME time;
    time.dwLowDateTime = (DWORD)(ticks & 0xFFFFFFFFu);
    time.dwHighDateTime = (DWORD)(ticks >> 32);
    return time;
}

/*
 * Writes UTF-8 as text of the contract into an array with room for that many units, cut between characters where it is
 * too long, always with a terminator. What is no UTF-8 becomes U+FFFD. Returns the units before the terminator.
 */
static inline size_t SyncMgrText(WCHAR *to, size_t room, const char *utf8) {
    const unsigned char *at = (const unsigned char *)utf8;
    size_t used = 0;
    if (room == 0)
        return 0;
    while (*at != 0) {
        uint32_t point = *at++;
        if (point >= 0x80) {
            const int more = point >= 0xF0 && point < 0xF5 ? 3 : point >= 0xE0 && point < 0xF0 ? 2 : point >= 0xC2 && point < 0xE0 ? 1 : 0;
            const uint32_t least = more == 3 ? 0x10000u : more == 2 ? 0x800u : 0x80u;
            uint32_t value = more == 3 ? point & 0x07u : more == 2 ? point & 0x0Fu : point & 0x1Fu;
            int have = 0;
            while (have < more && (at[have] & 0xC0) == 0x80)
                value = (value << 6) | (at[have++] & 0x3Fu);
            if (more == 0 || have < more || value < least || value > 0x10FFFFu || (value >= 0xD800u && value < 0xE000u))
                value = 0xFFFDu;
            at += have;
            point = value;
        }
        if (used + (point >= 0x10000u ? 2u : 1u) >= room)
            break;
        if (point >= 0x10000u) {
            to[used++] = (WCHAR)(0xD800u + ((point - 0x10000u) >> 10));
            to[used++] = (WCHAR)(0xDC00u + ((point - 0x10000u) & 0x3FFu));
        } else {
            to[used++] = (WCHAR)point;
        }
    }
    to[used] = 0;
    return used;
}

/* ---- The layout, held at compile time --------------------------------------------------------------------------- */

#ifdef __cplusplus
#define SYNCMGR_ASSERT_(condition) static_assert(condition, #condition)
#else
#define SYNCMGR_ASSERT_(condition) _Static_assert(condition, #condition)
#endif
#define SYNCMGR_SIZE_(narrow, wide) (sizeof(void *) == 8 ? (wide) : (narrow))
#define SYNCMGR_AT_(type, field, narrow, wide) SYNCMGR_ASSERT_(offsetof(type, field) == SYNCMGR_SIZE_(narrow, wide))

SYNCMGR_ASSERT_(sizeof(WCHAR) == 2 && sizeof(BOOL) == 4 && sizeof(HRESULT) == 4);
SYNCMGR_ASSERT_(sizeof(DWORD) == 4 && sizeof(ULONG) == 4 && sizeof(UINT) == 4 && sizeof(INT) == 4);
SYNCMGR_ASSERT_(sizeof(HWND) == sizeof(void *) && sizeof(HICON) == sizeof(void *));
SYNCMGR_ASSERT_(sizeof(GUID) == 16 && sizeof(FILETIME) == 8);

SYNCMGR_ASSERT_(sizeof(SYNCMGRHANDLERINFO) == SYNCMGR_SIZE_(76, 88));
SYNCMGR_AT_(SYNCMGRHANDLERINFO, cbSize, 0, 0);
SYNCMGR_AT_(SYNCMGRHANDLERINFO, hIcon, 4, 8);
SYNCMGR_AT_(SYNCMGRHANDLERINFO, SyncMgrHandlerFlags, 8, 16);
SYNCMGR_AT_(SYNCMGRHANDLERINFO, wszHandlerName, 12, 20);

SYNCMGR_ASSERT_(sizeof(SYNCMGRITEM) == SYNCMGR_SIZE_(296, 304));
SYNCMGR_AT_(SYNCMGRITEM, cbSize, 0, 0);
SYNCMGR_AT_(SYNCMGRITEM, dwFlags, 4, 4);
SYNCMGR_AT_(SYNCMGRITEM, ItemID, 8, 8);
SYNCMGR_AT_(SYNCMGRITEM, dwItemState, 24, 24);
SYNCMGR_AT_(SYNCMGRITEM, hIcon, 28, 32);
SYNCMGR_AT_(SYNCMGRITEM, wszItemName, 32, 40);
SYNCMGR_AT_(SYNCMGRITEM, ftLastUpdate, 288, 296);

SYNCMGR_ASSERT_(sizeof(SYNCMGRPROGRESSITEM) == SYNCMGR_SIZE_(24, 32));
SYNCMGR_AT_(SYNCMGRPROGRESSITEM, cbSize, 0, 0);
SYNCMGR_AT_(SYNCMGRPROGRESSITEM, mask, 4, 4);
SYNCMGR_AT_(SYNCMGRPROGRESSITEM, lpcStatusText, 8, 8);
SYNCMGR_AT_(SYNCMGRPROGRESSITEM, dwStatusType, 12, 16);
SYNCMGR_AT_(SYNCMGRPROGRESSITEM, iProgValue, 16, 20);
SYNCMGR_AT_(SYNCMGRPROGRESSITEM, iMaxValue, 20, 24);

SYNCMGR_ASSERT_(sizeof(SYNCMGRLOGERRORINFO) == 44);
SYNCMGR_AT_(SYNCMGRLOGERRORINFO, cbSize, 0, 0);
SYNCMGR_AT_(SYNCMGRLOGERRORINFO, mask, 4, 4);
SYNCMGR_AT_(SYNCMGRLOGERRORINFO, dwSyncMgrErrorFlags, 8, 8);
SYNCMGR_AT_(SYNCMGRLOGERRORINFO, ErrorID, 12, 12);
SYNCMGR_AT_(SYNCMGRLOGERRORINFO, ItemID, 28, 28);

#if !defined(__cplusplus) || defined(CINTERFACE)
SYNCMGR_ASSERT_(sizeof(ISyncMgrSynchronizeVtbl) == 13 * sizeof(void *));
SYNCMGR_ASSERT_(sizeof(ISyncMgrSynchronizeCallbackVtbl) == 12 * sizeof(void *));
SYNCMGR_ASSERT_(sizeof(ISyncMgrEnumItemsVtbl) == 7 * sizeof(void *));
SYNCMGR_ASSERT_(sizeof(ISyncMgrSynchronizeInvokeVtbl) == 5 * sizeof(void *));
SYNCMGR_ASSERT_(sizeof(ISyncMgrRegisterVtbl) == 6 * sizeof(void *));
#endif

#undef SYNCMGR_AT_
#undef SYNCMGR_SIZE_
#undef SYNCMGR_ASSERT_

#endif /* SYNCMGR_MOBSYNC_H */
