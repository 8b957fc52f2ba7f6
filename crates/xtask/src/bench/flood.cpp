// A handler whose items take no time, for `cargo xtask bench contract`: FLOOD_ITEMS of them, FLOOD_REPORTS progress calls.
#include <syncmgr/mobsync.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

SYNCMGR_GUID(CLSID_Flood, 0x0D3F7F4E, 0x52B4, 0x4C0E, {0xA7, 0x61, 0x1E, 0x3D, 0x9B, 0x0F, 0x7A, 0x11});

unsigned long setting(const char *name) {
    const char *text = std::getenv(name);
    return text == nullptr ? 0 : std::strtoul(text, nullptr, 10);
}

SYNCMGRITEMID identity(unsigned long number) {
    SYNCMGRITEMID id = {};
    id.Data1 = static_cast<uint32_t>(number + 1);
    return id;
}

#define ALONE(Interface)                                                            \
    STDMETHODIMP QueryInterface(REFIID wanted, void **object) override {            \
        *object = nullptr;                                                          \
        if (wanted != IID_IUnknown && wanted != IID_##Interface)                    \
            return E_NOINTERFACE;                                                   \
        *object = static_cast<Interface *>(this);                                   \
        return S_OK;                                                                \
    }                                                                               \
    /* One instance a process, which lives as long as it. */                        \
    STDMETHODIMP_(ULONG) AddRef() override { return 2; }                            \
    STDMETHODIMP_(ULONG) Release() override { return 1; }

class Items final : public ISyncMgrEnumItems {
  public:
    STDMETHODIMP Next(ULONG wanted, LPSYNCMGRITEM out, ULONG *fetched) override {
        ULONG count = 0;
        for (const unsigned long all = setting("FLOOD_ITEMS"); count < wanted && at < all; ++count, ++at) {
            SYNCMGRITEM item = {};
            item.cbSize = sizeof(item);
            item.ItemID = identity(at);
            item.dwItemState = SYNCMGRITEMSTATE_CHECKED;
            char name[32];
            std::snprintf(name, sizeof(name), "item-%lu", at);
            for (size_t unit = 0; name[unit] != 0; ++unit)
                item.wszItemName[unit] = static_cast<WCHAR>(name[unit]);
            out[count] = item;
        }
        if (fetched != nullptr)
            *fetched = count;
        return count == wanted ? S_OK : S_FALSE;
    }
    STDMETHODIMP Skip(ULONG) override { return E_NOTIMPL; }
    STDMETHODIMP Reset() override {
        at = 0;
        return S_OK;
    }
    STDMETHODIMP Clone(ISyncMgrEnumItems **) override { return E_NOTIMPL; }
    ALONE(ISyncMgrEnumItems)

  private:
    unsigned long at = 0;
};

class Flood final : public ISyncMgrSynchronize {
  public:
    STDMETHODIMP Initialize(DWORD, DWORD, DWORD, const BYTE *) override { return S_OK; }
    STDMETHODIMP GetHandlerInfo(LPSYNCMGRHANDLERINFO *out) override {
        auto *info = static_cast<SYNCMGRHANDLERINFO *>(CoTaskMemAlloc(sizeof(SYNCMGRHANDLERINFO)));
        std::memset(info, 0, sizeof(*info));
        info->cbSize = sizeof(*info);
        info->wszHandlerName[0] = 'F';
        *out = info;
        return S_OK;
    }
    STDMETHODIMP EnumSyncMgrItems(ISyncMgrEnumItems **out) override {
        items.Reset();
        *out = &items;
        return S_OK;
    }
    STDMETHODIMP GetItemObject(REFSYNCMGRITEMID, REFIID, void **) override { return E_NOTIMPL; }
    STDMETHODIMP ShowProperties(HWND, REFSYNCMGRITEMID) override { return E_NOTIMPL; }
    STDMETHODIMP SetProgressCallback(ISyncMgrSynchronizeCallback *replacement) override {
        if (worker.joinable())
            worker.join();
        if (replacement != nullptr)
            replacement->AddRef();
        if (callback != nullptr)
            callback->Release();
        callback = replacement;
        return S_OK;
    }
    STDMETHODIMP PrepareForSync(ULONG count, SYNCMGRITEMID *, HWND, DWORD) override {
        chosen = count;
        callback->PrepareForSyncCompleted(S_OK);
        return S_OK;
    }
    STDMETHODIMP Synchronize(HWND) override {
        worker = std::thread([this] {
            const unsigned long reports = setting("FLOOD_REPORTS");
            SYNCMGRPROGRESSITEM progress = {};
            progress.cbSize = sizeof(progress);
            progress.mask = SYNCMGRPROGRESSITEM_STATUSTYPE | SYNCMGRPROGRESSITEM_PROGVALUE | SYNCMGRPROGRESSITEM_MAXVALUE;
            progress.dwStatusType = SYNCMGRSTATUS_UPDATING;
            progress.iMaxValue = static_cast<INT>(reports);
            for (unsigned long report = 0; report < reports; ++report) {
                progress.iProgValue = static_cast<INT>(report);
                callback->Progress(identity(report % chosen), &progress);
            }
            progress.dwStatusType = SYNCMGRSTATUS_SUCCEEDED;
            for (unsigned long item = 0; item < chosen; ++item)
                callback->Progress(identity(item), &progress);
            callback->SynchronizeCompleted(S_OK);
        });
        return S_OK;
    }
    STDMETHODIMP SetItemStatus(REFSYNCMGRITEMID, DWORD) override { return S_OK; }
    STDMETHODIMP ShowError(HWND, REFSYNCMGRERRORID) override { return E_NOTIMPL; }
    ALONE(ISyncMgrSynchronize)

  private:
    ISyncMgrSynchronizeCallback *callback = nullptr;
    unsigned long chosen = 0;
    std::thread worker;
    Items items;
};

class Factory final : public IClassFactory {
  public:
    STDMETHODIMP CreateInstance(IUnknown *outer, REFIID wanted, void **object) override {
        if (outer != nullptr)
            return CLASS_E_NOAGGREGATION;
        return (new Flood)->QueryInterface(wanted, object);
    }
    STDMETHODIMP LockServer(BOOL) override { return S_OK; }
    ALONE(IClassFactory)
};

Factory factory;

} // namespace

STDAPI DllGetClassObject(REFCLSID wanted, REFIID interface_id, LPVOID *object) {
    *object = nullptr;
    return wanted == CLSID_Flood ? factory.QueryInterface(interface_id, object) : CLASS_E_CLASSNOTAVAILABLE;
}

STDAPI DllCanUnloadNow(void) { return S_FALSE; }
