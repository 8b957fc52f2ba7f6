"""A handler that does what a file says: `player.py FILE ITEM…`.

The file names, by words, the items that fail; or it is `slow` (works until it is told to stop), or `hang` (never reads again).
"""

import json
import sys
import time

plan, *names = sys.argv[1:]
working = []


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def finish(status, outcome):
    for item in working:
        send(method="progress", params={"item": item, "status": status(item)})
    working.clear()
    send(method="synchronize/completed", params={"outcome": outcome})


for line in sys.stdin:
    message = json.loads(line)
    method, params, result = message.get("method"), message.get("params") or {}, {}
    if method == "initialize":
        result = {"contract": 1, "handler": {"name": "player"}}
    elif method == "items/list":
        result = {"items": [{"id": name, "name": name} for name in names]}
    elif method in ("prepare", "synchronize"):
        result = {"started": "yes"}
    if "id" in message:
        send(id=message["id"], result=result)
    if method == "prepare":
        chosen = params["items"]
        send(method="prepare/completed", params={"outcome": "done"})
    elif method == "synchronize":
        with open(plan, encoding="utf-8") as file:
            words = file.read().split()
        working = list(chosen)
        for item in working:
            send(method="progress", params={"item": item, "status": "updating"})
        if words == ["hang"]:
            time.sleep(600)
        elif words != ["slow"]:
            finish(lambda item: "failed" if item in words else "succeeded", "done")
    elif method == "item/status" and working and params["verdict"] == "cancel-all":
        finish(lambda item: "stopped", "cancelled")
    elif method == "release":
        break
