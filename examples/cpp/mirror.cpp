// Mirror: a complete handler in C++17, for Linux, macOS and Windows from one source.
//
// Each directory directly below MIRROR_FROM is one item. Synchronizing it copies what is new or was changed to the
// directory of the same name below MIRROR_TO. Nothing is ever deleted there.
//
// The comments name the obligations of a handler (H-..) where they are met; docs/handlers.md explains them.

#include <syncmgr/mobsync.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

namespace {

using Text = std::basic_string<WCHAR>;

// {5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}
SYNCMGR_GUID(CLSID_Mirror, 0x5C1D5E0B, 0x8B6A, 0x4B0E, {0x9C, 0x3E, 0x52, 0xB7, 0xB1, 0xB6, 0x4C, 0x01});
const WCHAR DESCRIPTION[] = SYNCMGR_TEXT("Mirror");

// What keeps the library in memory: objects that live and locks that are held.
std::atomic<long> residents{0};

struct Resident {
    Resident() { ++residents; }
    ~Resident() { --residents; }
    Resident(const Resident &) = delete;
    Resident &operator=(const Resident &) = delete;
};

// No exception leaves a method.
template <typename Body> HRESULT guarded(Body body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return E_OUTOFMEMORY;
    } catch (...) {
        return E_FAIL;
    }
}

// What each object does with IUnknown. It is final in every class, so the destructor need not be virtual: a virtual
// one would take slots of the table that belong to the interface.
#define COUNTED(Interface)                                                          \
    STDMETHODIMP QueryInterface(REFIID wanted, void **object) override {            \
        if (object == nullptr)                                                      \
            return E_POINTER;                                                       \
        *object = nullptr;                                                          \
        if (wanted != IID_IUnknown && wanted != IID_##Interface)                    \
            return E_NOINTERFACE;                                                   \
        *object = static_cast<Interface *>(this);                                   \
        AddRef();                                                                   \
        return S_OK;                                                                \
    }                                                                               \
    STDMETHODIMP_(ULONG) AddRef() override { return ++references; }                 \
    STDMETHODIMP_(ULONG) Release() override {                                       \
        const ULONG left = --references;                                            \
        if (left == 0)                                                              \
            delete this;                                                            \
        return left;                                                                \
    }                                                                               \
    std::atomic<ULONG> references{1};                                               \
    Resident resident

struct Item {
    SYNCMGRITEMID id;
    Text name;
    fs::path from;
    fs::path to;
};

Text text_of(const fs::path &path) {
#ifdef _WIN32
    return path.wstring();
#else
    WCHAR units[1024];
    return Text(units, SyncMgrText(units, 1024, path.c_str()));
#endif
}

Text text_of(const char *utf8) {
    WCHAR units[1024];
    return Text(units, SyncMgrText(units, 1024, utf8));
}

void set_name(WCHAR *to, size_t room, const Text &name) {
    const size_t units = name.size() < room ? name.size() : room - 1;
    std::memcpy(to, name.data(), units * sizeof(WCHAR));
    to[units] = 0;
}

// The same name has the same identity for ever (H-16): FNV-1a over the name, twice, from two beginnings.
SYNCMGRITEMID identity_of(const Text &name) {
    uint64_t halves[2] = {0xCBF29CE484222325u, 0x84222325CBF29CE4u};
    for (uint64_t &half : halves)
        for (const WCHAR unit : name)
            half = (half ^ unit) * 0x100000001B3u;
    SYNCMGRITEMID id;
    static_assert(sizeof(id) == sizeof(halves), "two halves make an identity");
    std::memcpy(&id, halves, sizeof(id));
    return id;
}

// The name of an item's error, for ShowError and DeleteLogError (H-44).
SYNCMGRERRORID error_of(SYNCMGRITEMID id) {
    id.Data1 ^= 1u;
    return id;
}

#ifdef _WIN32
#define SETTING(name) _wgetenv(L##name)
#else
#define SETTING(name) std::getenv(name)
#endif

std::vector<Item> list_items() {
    std::vector<Item> items;
    const auto *from = SETTING("MIRROR_FROM");
    const auto *to = SETTING("MIRROR_TO");
    if (from == nullptr || to == nullptr)
        return items;
    for (const fs::directory_entry &entry : fs::directory_iterator(from)) {
        if (!entry.is_directory() || entry.is_symlink())
            continue;
        const fs::path name = entry.path().filename();
        items.push_back({identity_of(text_of(name)), text_of(name), entry.path(), fs::path(to) / name});
    }
    std::sort(items.begin(), items.end(), [](const Item &a, const Item &b) { return a.name < b.name; });
    return items;
}

// ---- The list of items ----------------------------------------------------------------------------------------------

class Items final : public ISyncMgrEnumItems {
  public:
    Items(std::vector<Item> all, size_t from) : items(std::move(all)), at(from) {}

    STDMETHODIMP Next(ULONG wanted, LPSYNCMGRITEM out, ULONG *fetched) override {
        if (out == nullptr || (fetched == nullptr && wanted != 1))
            return E_INVALIDARG;
        ULONG count = 0;
        for (; count < wanted && at < items.size(); ++count, ++at) {
            SYNCMGRITEM item = {}; // H-17: no field is left to chance
            item.cbSize = sizeof(item);
            item.ItemID = items[at].id;
            item.dwItemState = SYNCMGRITEMSTATE_CHECKED;
            set_name(item.wszItemName, MAX_SYNCMGRITEMNAME, items[at].name);
            out[count] = item;
        }
        if (fetched != nullptr)
            *fetched = count;
        return count == wanted ? S_OK : S_FALSE; // H-15
    }
    STDMETHODIMP Skip(ULONG count) override {
        const size_t left = items.size() - at;
        at += count < left ? count : left;
        return count <= left ? S_OK : S_FALSE;
    }
    STDMETHODIMP Reset() override {
        at = 0;
        return S_OK;
    }
    STDMETHODIMP Clone(ISyncMgrEnumItems **out) override {
        if (out == nullptr)
            return E_POINTER;
        *out = nullptr;
        return guarded([&] {
            *out = new Items(items, at);
            return S_OK;
        });
    }

    COUNTED(ISyncMgrEnumItems);

  private:
    ~Items() = default;
    const std::vector<Item> items;
    size_t at;
};

// ---- The handler ----------------------------------------------------------------------------------------------------

class Mirror final : public ISyncMgrSynchronize {
  public:
    STDMETHODIMP Initialize(DWORD, DWORD, DWORD, const BYTE *) override { return S_OK; } // every event is for it (H-06)

    STDMETHODIMP GetHandlerInfo(LPSYNCMGRHANDLERINFO *out) override {
        if (out == nullptr)
            return E_POINTER;
        // From the task allocator, because the manager frees it (H-12).
        auto *info = static_cast<SYNCMGRHANDLERINFO *>(CoTaskMemAlloc(sizeof(SYNCMGRHANDLERINFO)));
        *out = info;
        if (info == nullptr)
            return E_OUTOFMEMORY;
        std::memset(info, 0, sizeof(*info));
        info->cbSize = sizeof(*info);
        std::memcpy(info->wszHandlerName, DESCRIPTION, sizeof(DESCRIPTION));
        return S_OK;
    }

    STDMETHODIMP EnumSyncMgrItems(ISyncMgrEnumItems **out) override {
        if (out == nullptr)
            return E_POINTER;
        *out = nullptr;
        return guarded([&] {
            std::vector<Item> listed = list_items();
            const std::lock_guard<std::mutex> held(lock);
            known = listed;
            *out = new Items(std::move(listed), 0);
            return S_OK;
        });
    }

    STDMETHODIMP GetItemObject(REFSYNCMGRITEMID, REFIID, void **out) override {
        if (out == nullptr)
            return E_POINTER;
        *out = nullptr;
        return E_NOTIMPL; // H-20
    }

    STDMETHODIMP ShowProperties(HWND, REFSYNCMGRITEMID) override { return E_NOTIMPL; }

    STDMETHODIMP SetProgressCallback(ISyncMgrSynchronizeCallback *replacement) override {
        if (replacement == nullptr)
            end_work(); // Nothing of ours may call back once this returned (H-50).
        else
            replacement->AddRef();
        ISyncMgrSynchronizeCallback *previous;
        {
            const std::lock_guard<std::mutex> held(lock);
            previous = callback;
            callback = replacement;
        }
        if (previous != nullptr)
            previous->Release(); // H-24
        return S_OK;
    }

    STDMETHODIMP PrepareForSync(ULONG count, SYNCMGRITEMID *ids, HWND, DWORD) override {
        if (ids == nullptr)
            return E_INVALIDARG;
        const HRESULT result = guarded([&] {
            end_work();
            const std::lock_guard<std::mutex> held(lock);
            chosen.assign(ids, ids + count); // H-25
            skipped.clear();
            stopped = false;
            return S_OK;
        });
        if (result == S_OK)
            completed(&ISyncMgrSynchronizeCallback::PrepareForSyncCompleted); // H-26; and not after a refusal (H-27)
        return result;
    }

    STDMETHODIMP Synchronize(HWND) override {
        return guarded([&] {
            end_work();
            stopped = false;
            worker = std::thread([this] { // H-32: the work is done elsewhere
                synchronize_all();
                completed(&ISyncMgrSynchronizeCallback::SynchronizeCompleted); // H-34
            });
            return S_OK;
        });
    }

    STDMETHODIMP SetItemStatus(REFSYNCMGRITEMID id, DWORD status) override {
        return guarded([&] {
            if (status == SYNCMGRSTATUS_SKIPPED) { // a value, not a bit
                const std::lock_guard<std::mutex> held(lock);
                skipped.insert(key(id)); // H-41
            }
            return S_OK;
        });
    }

    // Following the link of an error tries that item again.
    STDMETHODIMP ShowError(HWND, REFSYNCMGRERRORID error) override {
        SYNCMGRITEMID id = error_of(error); // its own inverse
        ISyncMgrSynchronizeCallback *call = hold();
        if (call == nullptr)
            return E_UNEXPECTED;
        call->DeleteLogError(error, 0);
        call->ShowErrorCompleted(S_SYNCMGR_RETRYSYNC, 1, &id); // H-45, H-46
        call->Release();
        return S_OK;
    }

    COUNTED(ISyncMgrSynchronize);

  private:
    enum class Go { On, NextItem, End };
    static constexpr size_t PIECE = 256 * 1024; // copied between two looks at the verdict

    ~Mirror() {
        end_work();
        if (callback != nullptr)
            callback->Release();
    }

    static std::string key(REFGUID id) { return std::string(reinterpret_cast<const char *>(&id), sizeof(GUID)); }

    // The callback with a reference of the caller's own, so that it is called without a lock. The callback is free of
    // apartments: any thread may call it.
    ISyncMgrSynchronizeCallback *hold() {
        const std::lock_guard<std::mutex> held(lock);
        if (callback != nullptr)
            callback->AddRef();
        return callback;
    }

    void completed(HRESULT (STDMETHODCALLTYPE ISyncMgrSynchronizeCallback::*method)(HRESULT)) {
        if (ISyncMgrSynchronizeCallback *call = hold()) {
            (call->*method)(S_OK);
            call->Release();
        }
    }

    void end_work() {
        stopped = true;
        if (worker.joinable())
            worker.join();
    }

    // Reports, and learns whether to go on (H-36). The verdict is compared exactly: cancelling is a success code, too.
    Go report(REFSYNCMGRITEMID id, UINT mask, DWORD status, int value, int max, const WCHAR *text) {
        SYNCMGRPROGRESSITEM progress = {};
        progress.cbSize = sizeof(progress);
        progress.mask = mask; // H-40
        progress.dwStatusType = status;
        progress.iProgValue = value;
        progress.iMaxValue = max;
        progress.lpcStatusText = text;
        HRESULT verdict = S_SYNCMGR_CANCELALL;
        if (ISyncMgrSynchronizeCallback *call = hold()) {
            verdict = call->Progress(id, &progress);
            call->Release();
        }
        if (verdict == S_SYNCMGR_CANCELALL || stopped)
            return Go::End;
        const std::lock_guard<std::mutex> held(lock);
        return verdict == S_SYNCMGR_CANCELITEM || skipped.count(key(id)) != 0 ? Go::NextItem : Go::On;
    }

    Go status(REFSYNCMGRITEMID id, DWORD status, const WCHAR *text = SYNCMGR_TEXT("")) {
        return report(id, SYNCMGRPROGRESSITEM_STATUSTYPE | SYNCMGRPROGRESSITEM_STATUSTEXT, status, 0, 0, text);
    }

    // An entry with a link that leads to ShowError (H-43, H-44).
    void log_error(REFSYNCMGRITEMID id, const Text &text) {
        SYNCMGRLOGERRORINFO info = {};
        info.cbSize = sizeof(info);
        info.mask = SYNCMGRLOGERROR_ERRORFLAGS | SYNCMGRLOGERROR_ERRORID | SYNCMGRLOGERROR_ITEMID;
        info.dwSyncMgrErrorFlags = SYNCMGRERRORFLAG_ENABLEJUMPTEXT;
        info.ErrorID = error_of(id);
        info.ItemID = id;
        if (ISyncMgrSynchronizeCallback *call = hold()) {
            call->LogError(SYNCMGRLOGLEVEL_ERROR, text.c_str(), &info);
            call->Release();
        }
    }

    void synchronize_all() noexcept {
        Go go = Go::On;
        for (const SYNCMGRITEMID &id : chosen) {
            // Each item gets a last word, whatever happens (H-39).
            if (go == Go::End) {
                status(id, SYNCMGRSTATUS_STOPPED);
                continue;
            }
            try {
                go = synchronize_one(id);
                if (go == Go::On)
                    status(id, SYNCMGRSTATUS_SUCCEEDED);
                else
                    status(id, go == Go::NextItem ? SYNCMGRSTATUS_SKIPPED : SYNCMGRSTATUS_STOPPED);
            } catch (const std::exception &error) {
                try {
                    log_error(id, text_of(error.what()));
                } catch (...) {
                    // Without memory for the text, the status must do.
                }
                status(id, SYNCMGRSTATUS_FAILED);
                go = Go::On;
            }
            if (go == Go::NextItem)
                go = Go::On;
        }
    }

    Go synchronize_one(REFSYNCMGRITEMID id) {
        Item item;
        {
            const std::lock_guard<std::mutex> held(lock);
            for (const Item &one : known)
                if (one.id == id)
                    item = one;
        }
        if (item.from.empty())
            throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory), "no such item");
        Go go = status(id, SYNCMGRSTATUS_UPDATING);
        std::vector<fs::path> files;
        for (const fs::directory_entry &entry : fs::recursive_directory_iterator(item.from))
            if (entry.is_regular_file() && !entry.is_symlink())
                files.push_back(entry.path().lexically_relative(item.from));
        const int all = static_cast<int>(files.size());
        for (int done = 0; done < all && go == Go::On; ++done) {
            const Text name = text_of(files[done]);
            const auto poll = [&] {
                return report(
                    id, SYNCMGRPROGRESSITEM_STATUSTEXT | SYNCMGRPROGRESSITEM_PROGVALUE | SYNCMGRPROGRESSITEM_MAXVALUE,
                    0, done, all, name.c_str());
            };
            go = poll();
            if (go == Go::On)
                go = copy_if_new(item.from / files[done], item.to / files[done], poll);
        }
        return go;
    }

    // Through a second name, so that whoever reads the copy never sees half of it. Between two pieces it asks whether to
    // go on (H-36), so that a large file can be skipped in the middle; what was begun is taken away then.
    template <typename Poll> static Go copy_if_new(const fs::path &from, const fs::path &to, Poll poll) {
        const auto changed = fs::last_write_time(from);
        if (fs::exists(to) && fs::file_size(to) == fs::file_size(from) && fs::last_write_time(to) == changed)
            return Go::On;
        fs::create_directories(to.parent_path());
        fs::path half = to;
        half += ".part";
        const Go go = copy(from, half, poll);
        if (go != Go::On) {
            fs::remove(half);
            return go;
        }
        fs::permissions(half, fs::status(from).permissions());
        fs::last_write_time(half, changed);
        fs::rename(half, to);
        return go;
    }

    template <typename Poll> static Go copy(const fs::path &from, const fs::path &to, Poll poll) {
        std::ifstream source;
        std::ofstream target;
        source.exceptions(std::ios::badbit);
        target.exceptions(std::ios::badbit | std::ios::failbit);
        source.open(from, std::ios::binary);
        if (!source)
            throw std::system_error(std::make_error_code(std::errc::io_error), "a file cannot be read");
        target.open(to, std::ios::binary | std::ios::trunc);
        std::vector<char> piece(PIECE);
        for (;;) {
            source.read(piece.data(), static_cast<std::streamsize>(piece.size()));
            target.write(piece.data(), source.gcount());
            if (source.eof())
                break;
            const Go go = poll();
            if (go != Go::On)
                return go;
        }
        target.close();
        return Go::On;
    }

    std::mutex lock; // never held across a call of the manager's
    ISyncMgrSynchronizeCallback *callback = nullptr;
    std::vector<Item> known;
    std::set<std::string> skipped;
    std::vector<SYNCMGRITEMID> chosen; // changed only while no work is done
    std::atomic<bool> stopped{false};
    std::thread worker;
};

// ---- The class object -----------------------------------------------------------------------------------------------

class Factory final : public IClassFactory {
  public:
    STDMETHODIMP CreateInstance(IUnknown *outer, REFIID wanted, void **object) override {
        if (object == nullptr)
            return E_POINTER;
        *object = nullptr;
        if (outer != nullptr)
            return CLASS_E_NOAGGREGATION;
        return guarded([&] {
            auto *made = new Mirror;
            const HRESULT result = made->QueryInterface(wanted, object);
            made->Release();
            return result;
        });
    }
    STDMETHODIMP LockServer(BOOL hold) override {
        residents += hold ? 1 : -1;
        return S_OK;
    }

    COUNTED(IClassFactory);

  private:
    ~Factory() = default;
};

} // namespace

// ---- What the library exports ---------------------------------------------------------------------------------------

STDAPI DllGetClassObject(REFCLSID wanted, REFIID interface_id, LPVOID *object) {
    if (object == nullptr)
        return E_POINTER;
    *object = nullptr;
    if (wanted != CLSID_Mirror)
        return CLASS_E_CLASSNOTAVAILABLE;
    return guarded([&] {
        auto *factory = new Factory;
        const HRESULT result = factory->QueryInterface(interface_id, object);
        factory->Release();
        return result;
    });
}

STDAPI DllCanUnloadNow(void) { return residents == 0 ? S_OK : S_FALSE; }

STDAPI SyncMgrGetClasses(CLSID *classes, ULONG capacity, ULONG *count) {
    if (count == nullptr || (classes == nullptr && capacity != 0))
        return E_INVALIDARG;
    *count = 1;
    if (capacity == 0)
        return S_FALSE;
    classes[0] = CLSID_Mirror;
    return S_OK;
}

#ifdef _WIN32

// Windows finds the library of a class in the registry; `regsvr32 mirror.dll` writes it there, for this user alone.

namespace {

const WCHAR CLASS_KEY[] = L"Software\\Classes\\CLSID\\{5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}";
const WCHAR SERVER_KEY[] = L"Software\\Classes\\CLSID\\{5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}\\InprocServer32";

HRESULT write(const WCHAR *key, const WCHAR *name, const WCHAR *value) {
    HKEY opened;
    LSTATUS status = RegCreateKeyExW(HKEY_CURRENT_USER, key, 0, nullptr, 0, KEY_SET_VALUE, nullptr, &opened, nullptr);
    if (status == ERROR_SUCCESS) {
        const DWORD bytes = static_cast<DWORD>((std::wcslen(value) + 1) * sizeof(WCHAR));
        status = RegSetValueExW(opened, name, 0, REG_SZ, reinterpret_cast<const BYTE *>(value), bytes);
        RegCloseKey(opened);
    }
    return HRESULT_FROM_WIN32(status);
}

// The manager's own class, where one is installed; the class alone is registered where none is.
template <typename Use> HRESULT with_manager(Use use) {
    const HRESULT began = CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED);
    ISyncMgrRegister *manager = nullptr;
    HRESULT result = S_OK;
    if (SUCCEEDED(CoCreateInstance(CLSID_SyncMgr, nullptr, CLSCTX_INPROC_SERVER, IID_ISyncMgrRegister,
                                   reinterpret_cast<void **>(&manager)))) {
        result = use(manager);
        manager->Release();
    }
    if (SUCCEEDED(began))
        CoUninitialize();
    return result;
}

} // namespace

STDAPI DllRegisterServer(void) {
    HMODULE own = nullptr;
    WCHAR path[1024];
    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            reinterpret_cast<LPCWSTR>(&CLASS_KEY), &own))
        return HRESULT_FROM_WIN32(GetLastError());
    const DWORD units = GetModuleFileNameW(own, path, 1024);
    if (units == 0 || units == 1024)
        return E_FAIL;
    HRESULT result = write(CLASS_KEY, nullptr, DESCRIPTION);
    if (SUCCEEDED(result))
        result = write(SERVER_KEY, nullptr, path);
    if (SUCCEEDED(result))
        result = write(SERVER_KEY, L"ThreadingModel", L"Apartment");
    if (FAILED(result))
        return result;
    return with_manager([](ISyncMgrRegister *manager) {
        return manager->RegisterSyncMgrHandler(CLSID_Mirror, DESCRIPTION, 0);
    });
}

STDAPI DllUnregisterServer(void) {
    const HRESULT result =
        with_manager([](ISyncMgrRegister *manager) { return manager->UnregisterSyncMgrHandler(CLSID_Mirror, 0); });
    RegDeleteKeyW(HKEY_CURRENT_USER, SERVER_KEY);
    RegDeleteKeyW(HKEY_CURRENT_USER, CLASS_KEY);
    return result;
}

#endif
