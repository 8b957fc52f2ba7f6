/*
 * Stamp: the smallest useful handler in C11, with its tables of functions written by hand.
 *
 * One item, the file that STAMP_FILE names; synchronizing it writes the time there. All work is done inside the methods,
 * which a handler may do when it is as quick as this one.
 */
#include <syncmgr/mobsync.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* {2B0B7B6C-5C0C-4D53-8C49-6D0F3C8E7D02} */
SYNCMGR_GUID(CLSID_Stamp, 0x2B0B7B6C, 0x5C0C, 0x4D53, {0x8C, 0x49, 0x6D, 0x0F, 0x3C, 0x8E, 0x7D, 0x02});
/* The item; the same for ever. */
SYNCMGR_GUID(ITEM, 0x7B1E21D4, 0x3E0A, 0x4C55, {0x9A, 0x10, 0x0E, 0x5B, 0x7C, 0x11, 0x26, 0x03});

static LONG residents; /* objects that live and locks that are held */

typedef struct Stamp {
    ISyncMgrSynchronize face; /* first: the address of the object is the address of its interface */
    LONG references;
    ISyncMgrSynchronizeCallback *callback;
    ULONG chosen;
    BOOL skipped;
} Stamp;

typedef struct Items {
    ISyncMgrEnumItems face;
    LONG references;
    ULONG at;
} Items;

/* ---- The list of one item --------------------------------------------------------------------------------------- */

static HRESULT STDMETHODCALLTYPE items_query(ISyncMgrEnumItems *face, REFIID wanted, void **object) {
    if (object == NULL)
        return E_POINTER;
    *object = NULL;
    if (!IsEqualIID(wanted, &IID_IUnknown) && !IsEqualIID(wanted, &IID_ISyncMgrEnumItems))
        return E_NOINTERFACE;
    *object = face;
    face->lpVtbl->AddRef(face);
    return S_OK;
}

static ULONG STDMETHODCALLTYPE items_add_ref(ISyncMgrEnumItems *face) {
    return (ULONG)InterlockedIncrement(&((Items *)face)->references);
}

static ULONG STDMETHODCALLTYPE items_release(ISyncMgrEnumItems *face) {
    const LONG left = InterlockedDecrement(&((Items *)face)->references);
    if (left == 0) {
        free(face);
        InterlockedDecrement(&residents);
    }
    return (ULONG)left;
}

static HRESULT STDMETHODCALLTYPE items_next(ISyncMgrEnumItems *face, ULONG wanted, LPSYNCMGRITEM out, ULONG *fetched) {
    Items *items = (Items *)face;
    ULONG count = 0;
    if (out == NULL || (fetched == NULL && wanted != 1))
        return E_INVALIDARG;
    if (wanted > 0 && items->at == 0) {
        memset(out, 0, sizeof(*out));
        out->cbSize = sizeof(*out);
        out->ItemID = ITEM;
        out->dwItemState = SYNCMGRITEMSTATE_CHECKED;
        SyncMgrText(out->wszItemName, MAX_SYNCMGRITEMNAME, "The time");
        items->at = 1;
        count = 1;
    }
    if (fetched != NULL)
        *fetched = count;
    return count == wanted ? S_OK : S_FALSE;
}

static HRESULT STDMETHODCALLTYPE items_skip(ISyncMgrEnumItems *face, ULONG count) {
    Items *items = (Items *)face;
    const ULONG left = 1 - items->at;
    items->at += count < left ? count : left;
    return count <= left ? S_OK : S_FALSE;
}

static HRESULT STDMETHODCALLTYPE items_reset(ISyncMgrEnumItems *face) {
    ((Items *)face)->at = 0;
    return S_OK;
}

static HRESULT items_new(ULONG at, ISyncMgrEnumItems **out);

static HRESULT STDMETHODCALLTYPE items_clone(ISyncMgrEnumItems *face, ISyncMgrEnumItems **out) {
    return items_new(((Items *)face)->at, out);
}

/* Not const: the tables of the system's header are not. */
static ISyncMgrEnumItemsVtbl items_table = {
    items_query, items_add_ref, items_release, items_next, items_skip, items_reset, items_clone,
};

static HRESULT items_new(ULONG at, ISyncMgrEnumItems **out) {
    Items *items;
    if (out == NULL)
        return E_POINTER;
    *out = NULL;
    items = (Items *)calloc(1, sizeof(*items));
    if (items == NULL)
        return E_OUTOFMEMORY;
    items->face.lpVtbl = &items_table;
    items->references = 1;
    items->at = at;
    InterlockedIncrement(&residents);
    *out = &items->face;
    return S_OK;
}

/* ---- The handler ------------------------------------------------------------------------------------------------ */

static HRESULT STDMETHODCALLTYPE stamp_query(ISyncMgrSynchronize *face, REFIID wanted, void **object) {
    if (object == NULL)
        return E_POINTER;
    *object = NULL;
    if (!IsEqualIID(wanted, &IID_IUnknown) && !IsEqualIID(wanted, &IID_ISyncMgrSynchronize))
        return E_NOINTERFACE;
    *object = face;
    face->lpVtbl->AddRef(face);
    return S_OK;
}

static ULONG STDMETHODCALLTYPE stamp_add_ref(ISyncMgrSynchronize *face) {
    return (ULONG)InterlockedIncrement(&((Stamp *)face)->references);
}

static ULONG STDMETHODCALLTYPE stamp_release(ISyncMgrSynchronize *face) {
    Stamp *stamp = (Stamp *)face;
    const LONG left = InterlockedDecrement(&stamp->references);
    if (left == 0) {
        if (stamp->callback != NULL)
            stamp->callback->lpVtbl->Release(stamp->callback);
        free(stamp);
        InterlockedDecrement(&residents);
    }
    return (ULONG)left;
}

static HRESULT STDMETHODCALLTYPE stamp_initialize(ISyncMgrSynchronize *face, DWORD reserved, DWORD flags, DWORD size,
                                                  const BYTE *cookie) {
    (void)face, (void)reserved, (void)flags, (void)size, (void)cookie;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE stamp_info(ISyncMgrSynchronize *face, LPSYNCMGRHANDLERINFO *out) {
    (void)face;
    if (out == NULL)
        return E_POINTER;
    *out = (LPSYNCMGRHANDLERINFO)CoTaskMemAlloc(sizeof(**out)); /* the manager frees it */
    if (*out == NULL)
        return E_OUTOFMEMORY;
    memset(*out, 0, sizeof(**out));
    (*out)->cbSize = sizeof(**out);
    SyncMgrText((*out)->wszHandlerName, MAX_SYNCMGRHANDLERNAME, "Stamp");
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE stamp_items(ISyncMgrSynchronize *face, ISyncMgrEnumItems **out) {
    (void)face;
    return items_new(0, out);
}

static HRESULT STDMETHODCALLTYPE stamp_item_object(ISyncMgrSynchronize *face, REFSYNCMGRITEMID item, REFIID wanted,
                                                   void **out) {
    (void)face, (void)item, (void)wanted;
    if (out == NULL)
        return E_POINTER;
    *out = NULL;
    return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE stamp_show_properties(ISyncMgrSynchronize *face, HWND window, REFSYNCMGRITEMID item) {
    (void)face, (void)window, (void)item;
    return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE stamp_set_callback(ISyncMgrSynchronize *face, ISyncMgrSynchronizeCallback *callback) {
    Stamp *stamp = (Stamp *)face;
    if (callback != NULL)
        callback->lpVtbl->AddRef(callback);
    if (stamp->callback != NULL)
        stamp->callback->lpVtbl->Release(stamp->callback);
    stamp->callback = callback;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE stamp_prepare(ISyncMgrSynchronize *face, ULONG count, SYNCMGRITEMID *items, HWND window,
                                               DWORD reserved) {
    Stamp *stamp = (Stamp *)face;
    ULONG i;
    (void)window, (void)reserved;
    if (items == NULL || stamp->callback == NULL)
        return E_INVALIDARG;
    stamp->chosen = 0;
    stamp->skipped = FALSE;
    for (i = 0; i < count; i++)
        if (IsEqualGUID(&items[i], &ITEM))
            stamp->chosen = 1;
    stamp->callback->lpVtbl->PrepareForSyncCompleted(stamp->callback, S_OK);
    return S_OK;
}

static HRESULT report(Stamp *stamp, DWORD status) {
    SYNCMGRPROGRESSITEM progress;
    memset(&progress, 0, sizeof(progress));
    progress.cbSize = sizeof(progress);
    progress.mask = SYNCMGRPROGRESSITEM_STATUSTYPE;
    progress.dwStatusType = status;
    return stamp->callback->lpVtbl->Progress(stamp->callback, &ITEM, &progress);
}

static BOOL write_time(void) {
    const char *name = getenv("STAMP_FILE");
    FILE *file = name == NULL ? NULL : fopen(name, "w");
    BOOL good;
    if (file == NULL)
        return FALSE;
    good = fprintf(file, "%lld\n", (long long)time(NULL)) > 0;
    return fclose(file) == 0 && good;
}

static HRESULT STDMETHODCALLTYPE stamp_synchronize(ISyncMgrSynchronize *face, HWND window) {
    Stamp *stamp = (Stamp *)face;
    (void)window;
    if (stamp->callback == NULL)
        return E_UNEXPECTED;
    if (stamp->chosen) {
        /* The verdict is compared exactly: cancelling is a success code, too. */
        const HRESULT verdict = report(stamp, SYNCMGRSTATUS_UPDATING);
        if (verdict == S_SYNCMGR_CANCELALL)
            report(stamp, SYNCMGRSTATUS_STOPPED);
        else if (verdict == S_SYNCMGR_CANCELITEM || stamp->skipped)
            report(stamp, SYNCMGRSTATUS_SKIPPED);
        else if (write_time())
            report(stamp, SYNCMGRSTATUS_SUCCEEDED);
        else {
            stamp->callback->lpVtbl->LogError(stamp->callback, SYNCMGRLOGLEVEL_ERROR,
                                              SYNCMGR_TEXT("the file that STAMP_FILE names cannot be written"), NULL);
            report(stamp, SYNCMGRSTATUS_FAILED);
        }
    }
    stamp->callback->lpVtbl->SynchronizeCompleted(stamp->callback, S_OK);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE stamp_set_status(ISyncMgrSynchronize *face, REFSYNCMGRITEMID item, DWORD status) {
    if (status == SYNCMGRSTATUS_SKIPPED && IsEqualGUID(item, &ITEM))
        ((Stamp *)face)->skipped = TRUE;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE stamp_show_error(ISyncMgrSynchronize *face, HWND window, REFSYNCMGRERRORID error) {
    (void)face, (void)window, (void)error;
    return E_NOTIMPL;
}

static ISyncMgrSynchronizeVtbl stamp_table = {
    stamp_query,           stamp_add_ref,      stamp_release, stamp_initialize,  stamp_info,       stamp_items,     stamp_item_object,
    stamp_show_properties, stamp_set_callback, stamp_prepare, stamp_synchronize, stamp_set_status, stamp_show_error,
};

/* ---- The class object: one for ever, so its references only count as residents ---------------------------------- */

static HRESULT STDMETHODCALLTYPE factory_query(IClassFactory *face, REFIID wanted, void **object) {
    if (object == NULL)
        return E_POINTER;
    *object = NULL;
    if (!IsEqualIID(wanted, &IID_IUnknown) && !IsEqualIID(wanted, &IID_IClassFactory))
        return E_NOINTERFACE;
    *object = face;
    InterlockedIncrement(&residents);
    return S_OK;
}

static ULONG STDMETHODCALLTYPE factory_add_ref(IClassFactory *face) {
    (void)face;
    InterlockedIncrement(&residents);
    return 2;
}

static ULONG STDMETHODCALLTYPE factory_release(IClassFactory *face) {
    (void)face;
    InterlockedDecrement(&residents);
    return 1;
}

static HRESULT STDMETHODCALLTYPE factory_create(IClassFactory *face, IUnknown *outer, REFIID wanted, void **object) {
    Stamp *stamp;
    HRESULT result;
    (void)face;
    if (object == NULL)
        return E_POINTER;
    *object = NULL;
    if (outer != NULL)
        return CLASS_E_NOAGGREGATION;
    stamp = (Stamp *)calloc(1, sizeof(*stamp));
    if (stamp == NULL)
        return E_OUTOFMEMORY;
    stamp->face.lpVtbl = &stamp_table;
    stamp->references = 1;
    InterlockedIncrement(&residents);
    result = stamp_query(&stamp->face, wanted, object);
    stamp_release(&stamp->face);
    return result;
}

static HRESULT STDMETHODCALLTYPE factory_lock(IClassFactory *face, BOOL hold) {
    (void)face;
    if (hold)
        InterlockedIncrement(&residents);
    else
        InterlockedDecrement(&residents);
    return S_OK;
}

static IClassFactoryVtbl factory_table = {factory_query, factory_add_ref, factory_release, factory_create, factory_lock};
static IClassFactory factory = {&factory_table};

/* ---- What the library exports ----------------------------------------------------------------------------------- */

STDAPI DllGetClassObject(REFCLSID wanted, REFIID interface_id, LPVOID *object) {
    if (object == NULL)
        return E_POINTER;
    *object = NULL;
    if (!IsEqualCLSID(wanted, &CLSID_Stamp))
        return CLASS_E_CLASSNOTAVAILABLE;
    return factory_query(&factory, interface_id, object);
}

STDAPI DllCanUnloadNow(void) { return residents == 0 ? S_OK : S_FALSE; }

STDAPI SyncMgrGetClasses(CLSID *classes, ULONG capacity, ULONG *count) {
    if (count == NULL || (classes == NULL && capacity != 0))
        return E_INVALIDARG;
    *count = 1;
    if (capacity == 0)
        return S_FALSE;
    classes[0] = CLSID_Stamp;
    return S_OK;
}
