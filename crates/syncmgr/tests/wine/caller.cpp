// A program that calls the manager as programs on Windows do: it creates the manager's class by its identity and calls one
// method of its two interfaces. It is compiled against the system's own mobsync.h.
//
//     caller CLASS identity
//     caller CLASS register|unregister|info HANDLER [FLAGS [DESCRIPTION]]
//     caller CLASS update HANDLER FLAGS COOKIE|-|null [FILE]
//     caller CLASS update-all
//
// It prints the result code in hexadecimal digits, and `WRONG …` for what is not as the contract says. With FILE it also
// prints after how many microseconds the call returned, and after how many the handler had written to that file.

#include <windows.h>

#include <objbase.h>

// The identities are defined here: no library of the system's has them all.
#include <initguid.h>

#include <mobsync.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

// Far longer than a handler takes to start.
const long long FOR_EVER_US = 60 * 1000 * 1000;

void expect(bool holds, const char *what) {
    if (!holds)
        std::printf("WRONG: %s\n", what);
}

int said(HRESULT result) {
    std::printf("%08X\n", static_cast<unsigned>(result));
    return 0;
}

long long now_us() {
    LARGE_INTEGER at, each;
    QueryPerformanceCounter(&at);
    QueryPerformanceFrequency(&each);
    return at.QuadPart * 1000000 / each.QuadPart;
}

template <typename Interface> HRESULT create(REFCLSID id, REFIID interface_id, Interface **made) {
    return CoCreateInstance(id, nullptr, CLSCTX_INPROC_SERVER, interface_id, reinterpret_cast<void **>(made));
}

// M-01 to M-04: directly as either interface, one identity, no aggregation, nothing else; from both kinds of apartment.
void identity_in(REFCLSID id, DWORD apartment) {
    expect(SUCCEEDED(CoInitializeEx(nullptr, apartment)), "the apartment");
    ISyncMgrSynchronizeInvoke *invoke = nullptr;
    ISyncMgrRegister *direct = nullptr;
    const HRESULT made = create(id, IID_ISyncMgrSynchronizeInvoke, &invoke);
    expect(made == S_OK && create(id, IID_ISyncMgrRegister, &direct) == S_OK, "created as either interface");
    if (invoke != nullptr && direct != nullptr) {
        ISyncMgrRegister *queried = nullptr;
        ISyncMgrSynchronizeInvoke *back = nullptr;
        IUnknown *one = nullptr, *other = nullptr;
        expect(invoke->QueryInterface(IID_ISyncMgrRegister, reinterpret_cast<void **>(&queried)) == S_OK, "the other");
        expect(queried->QueryInterface(IID_ISyncMgrSynchronizeInvoke, reinterpret_cast<void **>(&back)) == S_OK, "back");
        expect(back == invoke, "the same again");
        invoke->QueryInterface(IID_IUnknown, reinterpret_cast<void **>(&one));
        queried->QueryInterface(IID_IUnknown, reinterpret_cast<void **>(&other));
        expect(one != nullptr && one == other, "one identity");
        void *nothing = reinterpret_cast<void *>(1);
        expect(invoke->QueryInterface(IID_ISyncMgrEnumItems, &nothing) == E_NOINTERFACE, "an unknown interface");
        expect(nothing == nullptr, "null for an unknown interface");
        nothing = reinterpret_cast<void *>(1);
        expect(CoCreateInstance(id, one, CLSCTX_INPROC_SERVER, IID_IUnknown, &nothing) == CLASS_E_NOAGGREGATION,
               "no aggregation");
        expect(nothing == nullptr, "null for an aggregate");
        other->Release();
        one->Release();
        back->Release();
        queried->Release();
        direct->Release();
        expect(invoke->Release() == 0, "the last reference");
    }
    CoUninitialize();
    said(made);
}

std::vector<BYTE> cookie_of(const std::string &text) {
    // Every byte that a text cannot hold comes first.
    std::vector<BYTE> bytes = {0x00, 0xFF};
    bytes.insert(bytes.end(), text.begin(), text.end());
    return bytes;
}

int update(ISyncMgrSynchronizeInvoke *invoke, REFCLSID handler, const std::vector<std::wstring> &words) {
    const DWORD flags = std::stoul(words[0]);
    std::vector<BYTE> cookie;
    const BYTE *bytes = nullptr;
    DWORD size = 0;
    if (words[1] == L"null") {
        size = 5; // a size without an array
    } else if (words[1] != L"-") {
        cookie = cookie_of(std::string(words[1].begin(), words[1].end()));
        bytes = cookie.data();
        size = static_cast<DWORD>(cookie.size());
    }
    const long long began = now_us();
    const HRESULT result = invoke->UpdateItems(flags, handler, size, bytes);
    const long long returned = now_us() - began;
    std::fill(cookie.begin(), cookie.end(), 0xEE); // M-152: they are the caller's again
    if (words.size() > 2) {
        std::FILE *file = nullptr;
        long length = 0;
        while (length <= 0 && now_us() - began < FOR_EVER_US) {
            SwitchToThread();
            file = _wfopen(words[2].c_str(), L"rb");
            if (file == nullptr)
                continue;
            std::fseek(file, 0, SEEK_END);
            length = std::ftell(file);
            std::fclose(file);
        }
        std::printf("returned %lld\nbegan %lld\n", returned, now_us() - began);
    }
    return said(result);
}

int call(REFCLSID id, const std::vector<std::wstring> &words) {
    ISyncMgrSynchronizeInvoke *invoke = nullptr;
    const HRESULT made = create(id, IID_ISyncMgrSynchronizeInvoke, &invoke);
    if (FAILED(made))
        return said(made);
    ISyncMgrRegister *manager = nullptr;
    invoke->QueryInterface(IID_ISyncMgrRegister, reinterpret_cast<void **>(&manager));
    int code = 3;
    CLSID handler = {};
    if (words[0] == L"update-all") {
        code = said(invoke->UpdateAll());
    } else if (words.size() > 1 && CLSIDFromString(words[1].c_str(), &handler) == S_OK) {
        const DWORD flags = words.size() > 2 ? std::stoul(words[2]) : 0;
        if (words[0] == L"register") {
            code = said(manager->RegisterSyncMgrHandler(handler, words.size() > 3 ? words[3].c_str() : nullptr, flags));
        } else if (words[0] == L"unregister") {
            code = said(manager->UnregisterSyncMgrHandler(handler, 0));
        } else if (words[0] == L"info") {
            DWORD told = 0xFFFF;
            const HRESULT result = manager->GetHandlerRegistrationInfo(handler, &told);
            std::printf("flags %u\n", static_cast<unsigned>(told));
            expect(manager->GetHandlerRegistrationInfo(handler, nullptr) == E_INVALIDARG, "flags into null");
            code = said(result);
        } else if (words[0] == L"update" && words.size() > 3) {
            code = update(invoke, handler, std::vector<std::wstring>(words.begin() + 2, words.end()));
        }
    }
    manager->Release();
    invoke->Release();
    return code;
}

} // namespace

int wmain(int count, wchar_t **given) {
    const std::vector<std::wstring> words(given + 1, given + count);
    CLSID id;
    if (words.size() < 2 || CLSIDFromString(words[0].c_str(), &id) != S_OK)
        return 2;
    if (words[1] == L"identity") {
        std::thread(identity_in, id, static_cast<DWORD>(COINIT_APARTMENTTHREADED)).join();
        std::thread(identity_in, id, static_cast<DWORD>(COINIT_MULTITHREADED)).join();
        return 0;
    }
    if (FAILED(CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED)))
        return 2;
    const int code = call(id, std::vector<std::wstring>(words.begin() + 1, words.end()));
    CoUninitialize();
    return code;
}
