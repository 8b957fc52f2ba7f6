#!/usr/bin/env python3
"""Mirrors a list of files and web addresses into a folder: `mirror.py LIST TARGET`.

A handler for syncmgr in Python's standard library alone. What it does is written in ../README.md; the obligations that
the comments name (H-..) are those of the contract.
"""
import filecmp
import http.client
import json
import os
import queue
import re
import sys
import threading
import urllib.error
import urllib.request

CONTRACT = 1
PAGE = 500  # most items in one message
CHUNK = 64 * 1024
PART = ".mirror-part"  # ends the names of files that are not whole yet
TIMEOUT = 30  # seconds that a server may be silent
ITEM = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}")


class Wire:
    """Standard output, for as many threads as like."""

    def __init__(self):
        self._lock = threading.Lock()

    def send(self, **message):
        line = json.dumps({"jsonrpc": "2.0", **message}) + "\n"
        with self._lock:
            sys.stdout.write(line)
            sys.stdout.flush()

    def tell(self, method, **params):
        self.send(method=method, params=params)


class Stop:
    """How far the run is cancelled; it only ever rises, until the next run."""

    def __init__(self):
        self._changed = threading.Condition()
        self._items = set()
        self._all = False

    def clear(self):
        with self._changed:
            self._items.clear()
            self._all = False

    def item(self, item):
        with self._changed:
            self._items.add(item)
            self._changed.notify_all()

    def everything(self):
        with self._changed:
            self._all = True
            self._changed.notify_all()

    def all(self):
        return self._all

    def of(self, item):
        with self._changed:
            return self._all or item in self._items

    def wait(self, item, finished):
        """Waits until the work is finished or the item cancelled, whichever comes first."""
        with self._changed:
            self._changed.wait_for(lambda: finished.is_set() or self._all or item in self._items)

    def wake(self):
        with self._changed:
            self._changed.notify_all()


class Broken(Exception):
    """A source that cannot be had. `soft`: trying again may help."""

    def __init__(self, text, soft):
        super().__init__(text)
        self.soft = soft


class Fetch(threading.Thread):
    """Brings one source into a part file, on a thread of its own, so that a server that hangs holds up nobody."""

    def __init__(self, source, part, report, wake):
        super().__init__(daemon=True)
        self.source, self.part, self.report, self.wake = source, part, report, wake
        self.finished = threading.Event()
        self.abandoned = False
        self.broken = None

    def run(self):
        try:
            self._copy()
        except Broken as error:
            self.broken = error
        except http.client.HTTPException as error:
            self.broken = Broken(f"the server broke off: {error!r}", True)
        except urllib.error.HTTPError as error:
            self.broken = Broken(f"the server answered {error.code} {error.reason}", error.code >= 500)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            self.broken = Broken(f"could not be reached: {getattr(error, 'reason', error)}", True)
        except OSError as error:
            self.broken = Broken(f"could not be read: {error.strerror or error}", False)
        except ValueError as error:
            self.broken = Broken(f"is no address: {error}", False)
        self.finished.set()
        self.wake()

    def _copy(self):
        with self._open() as source:
            total = self._size(source)
            if not self.abandoned:
                self._write(source, total)

    def _write(self, source, total):
        done = 0
        with open(self.part, "wb") as part:
            # `read` of a web answer gives a whole chunk, that of an unbuffered file what is there.
            while chunk := source.read(CHUNK):
                if self.abandoned:
                    return
                part.write(chunk)
                done += len(chunk)
                self.report(done, total)
            part.flush()
            os.fsync(part.fileno())
        if total and done < total:
            raise Broken(f"ended after {done} of {total} bytes", True)

    def _open(self):
        if "://" in self.source:
            return urllib.request.urlopen(self.source, timeout=TIMEOUT)
        return open(self.source, "rb", buffering=0)

    def _size(self, source):
        if "://" in self.source:
            return int(source.headers.get("Content-Length") or 0)
        return os.fstat(source.fileno()).st_size


class Mirror:
    """The handler: one process serves one event."""

    def __init__(self, listing, target):
        self.listing, self.target = listing, target
        self.wire, self.stop, self.work = Wire(), Stop(), queue.Queue()
        self.may_ask = False
        self.chosen, self.refused, self.questions = [], set(), {}
        self.next_id = self.parts = 0

    # What the list says.

    def sources(self):
        """Answers name → (source, ask first), and the lines that are no source."""
        found, wrong = {}, []
        with open(self.listing, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                name, _, source = line.partition(" ")
                source = source.strip()
                ask = source.startswith("?")
                source = source.removeprefix("?").strip()
                # Identifiers are equal without regard to case.
                known = {name.lower() for name in found}
                if not source or not ITEM.fullmatch(name) or name.lower() in known:
                    wrong.append(number)
                else:
                    found[name] = (source, ask)
        return found, wrong

    # Requests of the manager. Each answers what is sent back.

    def initialize(self, params):
        if CONTRACT not in params["contract"]:
            raise Refusal(-31001, f"only version {CONTRACT} is spoken here", {"supported": [CONTRACT]})
        self.may_ask = params.get("mayBotherUser", False)
        return {
            "contract": CONTRACT,
            "features": ["error/show"],
            # When the line is about to go, mirroring must not hold it up (H-06).
            "takesPart": params["event"] != "pending-disconnect",
            "handler": {"name": "Mirror", "version": "1", "comment": f"into {self.target}"},
        }

    def items_list(self, params):
        try:
            sources, wrong = self.sources()
        except (OSError, ValueError) as error:
            raise Refusal(-31002, f"the list could not be read: {error}", {"hint": "see the first argument"})
        start = int(params.get("cursor") or 0)
        names = list(sources)
        if start == 0:
            for number in wrong:
                self.wire.tell("log", level="warning", text=f"line {number} of the list is no source")
        page = {"items": [{"id": name, "name": name} for name in names[start : start + PAGE]], "incomplete": bool(wrong)}
        if start + PAGE < len(names):
            page["next"] = str(start + PAGE)
        return page

    def prepare(self, params):
        self.chosen += params["items"]
        if params.get("more"):
            return {"started": "yes"}
        self.stop.clear()
        self.refused.clear()
        try:
            sources, _ = self.sources()
        except (OSError, ValueError) as error:
            self.chosen = []
            return {"started": "no", "reason": f"the list could not be read: {error}"}
        doubtful = [item for item in self.chosen if sources.get(item, ("", False))[1]]
        if doubtful and not self.may_ask:
            self.chosen = []
            return {"started": "needs-user"}
        for item in doubtful:
            self.ask(item)
        if not self.questions:
            self.wire.tell("prepare/completed", outcome="done")
        return {"started": "yes"}

    def ask(self, item):
        self.questions[self.next_id] = item
        yes, no = {"name": "yes", "label": "Copy it"}, {"name": "no", "label": "Not this time"}
        self.wire.send(
            id=self.next_id,
            method="prompt",
            params={"item": item, "key": f"copy-{item}", "kind": "question", "text": f"Copy {item} now?", "choices": [yes, no]},
        )
        self.next_id += 1

    def answered(self, message):
        """An answer to a question of ours; preparation is over with the last one."""
        item = self.questions.pop(message["id"], None)
        if item is None:
            return
        if message.get("result", {}).get("choice") != "yes":
            self.refused.add(item)
        if not self.questions:
            self.wire.tell("prepare/completed", outcome="cancelled" if self.stop.all() else "done")

    def synchronize(self, _):
        items, self.chosen = self.chosen, []
        self.work.put(lambda: self.run(items))
        return {"started": "yes"}

    def show_error(self, params):
        # The link under an error means "try again" here (H-46).
        item = params["error"]
        self.work.put(lambda: self.wire.tell("error/completed", retry=[item]))
        return {"started": "yes"}

    def item_status(self, params):
        if params["verdict"] == "cancel-item" and params.get("item"):
            self.stop.item(params["item"])
        elif params["verdict"] != "continue":
            self.stop.everything()

    # The work, on one thread.

    def run(self, items):
        try:
            sources, _ = self.sources()
            os.makedirs(self.target, exist_ok=True)
            # What a killed run left behind.
            for left in os.listdir(self.target):
                if left.startswith(".") and left.endswith(PART):
                    os.unlink(os.path.join(self.target, left))
        except (OSError, ValueError) as error:
            return self.wire.tell("synchronize/completed", outcome="failed", reason=str(error), failure="hard")
        for item in items:
            if self.stop.all():
                break
            if item in self.refused or self.stop.of(item):
                self.wire.tell("progress", item=item, status="skipped")
            elif item not in sources:
                self.wire.tell("progress", item=item, status="deleted", text="is no longer in the list")
            else:
                self.mirror(item, sources[item][0])
        stopped = self.stop.all()
        self.wire.tell("synchronize/completed", outcome="cancelled" if stopped else "done")

    def mirror(self, item, source):
        final = os.path.join(self.target, item)
        # A name of its own for each fetch: what an abandoned one still writes is never taken for ours.
        self.parts += 1
        part = os.path.join(self.target, f".{item}.{self.parts}{PART}")
        self.wire.tell("progress", item=item, status="updating", text=f"reading {item}", value=0)
        fetch = Fetch(source, part, lambda done, total: self.report(item, done, total), self.stop.wake)
        fetch.start()
        self.stop.wait(item, fetch.finished)
        try:
            if not fetch.finished.is_set():
                fetch.abandoned = True
                remove(part)
                status = "stopped" if self.stop.all() else "skipped"
                return self.wire.tell("progress", item=item, status=status)
            if fetch.broken:
                raise fetch.broken
            moved = {"received": 0, "bytes": 0}
            if os.path.exists(final) and filecmp.cmp(part, final, shallow=False):
                os.unlink(part)
            else:
                moved = {"received": 1, "bytes": os.path.getsize(part)}
                # The old file or the whole new one, never half a file.
                os.replace(part, final)
            self.wire.tell("progress", item=item, status="succeeded", text="", counts=moved)
        except (Broken, OSError) as error:
            soft = getattr(error, "soft", False)
            remove(part)
            self.wire.tell("log", level="error", item=item, text=f"{item} {error}", error=item, jump=True)
            self.wire.tell("progress", item=item, status="failed", text=str(error), failure="soft" if soft else "hard")

    def report(self, item, done, total):
        if not self.stop.of(item):
            self.wire.tell("progress", item=item, value=done, max=total)

    # The conversation.

    def serve(self):
        calls = {
            "initialize": self.initialize,
            "items/list": self.items_list,
            "prepare": self.prepare,
            "synchronize": self.synchronize,
            "error/show": self.show_error,
        }
        worker = threading.Thread(target=lambda: [job() for job in iter(self.work.get, None)])
        worker.start()
        released = None
        for line in sys.stdin:
            message = json.loads(line)
            method, params, number = message.get("method"), message.get("params") or {}, message.get("id")
            if method is None:
                self.answered(message)
            elif method == "item/status":
                self.item_status(params)
            elif method == "release":
                released = number
                break
            elif number is not None:
                self.answer(number, calls.get(method), params)
        # Released, or the manager is gone: leave everything, complete, answer, exit.
        self.stop.everything()
        self.work.put(None)
        worker.join()
        if released is not None:
            self.wire.send(id=released, result={})

    def answer(self, number, call, params):
        try:
            if call is None:
                raise Refusal(-32601, "no such method", None)
            self.wire.send(id=number, result=call(params))
        except Refusal as refusal:
            self.wire.send(id=number, error=refusal.error)
        except (KeyError, TypeError, ValueError, OSError) as error:
            self.wire.send(id=number, error={"code": -32602, "message": f"wrong parameters: {error!r}"})


def remove(file):
    """Takes a file away if it is there."""
    try:
        os.unlink(file)
    except FileNotFoundError:
        pass


class Refusal(Exception):
    """An error answer."""

    def __init__(self, code, message, data):
        super().__init__(message)
        self.error = {"code": code, "message": message, **({"data": data} if data else {})}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: mirror.py LIST TARGET")
    try:
        Mirror(sys.argv[1], sys.argv[2]).serve()
    except BrokenPipeError:
        os._exit(1)  # the manager is gone
