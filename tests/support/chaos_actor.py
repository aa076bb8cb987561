"""What the Actor of the chaos test does: a main.py of three parts, of which the input says which one a run plays.

Each run connects to the test at once and says which it is. `counts` counts up in a state of the SDK until the test says
"go"; it stops counting when it is told that it moves. `starts` starts a run of the same Actor, waits for it as clients
do, and ends; `waits` is what it starts, and waits for the test.
"""

MAIN = """
import asyncio, json, os, socket, urllib.request

PORT = {port}
API, TOKEN, RUN = (os.environ[name] for name in ("APIFY_API_BASE_URL", "APIFY_TOKEN", "ACTOR_RUN_ID"))


def ask(method, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    headers = {{"Authorization": f"Bearer {{TOKEN}}", "Content-Type": "application/json"}}
    request = urllib.request.Request(f"{{API.rstrip('/')}}/v2/{{path}}", content, headers, method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read())


def say(word):
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.sendall(f"{{word}} {{RUN}}\\n".encode())
    return connection


def start(depth):
    child = ask("POST", f"acts/{{os.environ['ACTOR_ID']}}/runs", {{"part": "starts", "depth": depth}})["data"]
    while child["status"] in ("READY", "RUNNING"):
        child = ask("GET", f"actor-runs/{{child['id']}}?waitForFinish=60")["data"]


async def count(connection):
    from apify import Actor, Event

    async with Actor:
        moving = asyncio.Event()
        Actor.on(Event.MIGRATING, lambda data: moving.set())
        state = await Actor.use_state({{"n": 0}})
        connection.setblocking(False)
        print("from", state["n"], flush=True)
        while True:
            try:
                connection.recv(2)
                return
            except BlockingIOError:
                pass
            if moving.is_set():
                print("moving", flush=True)
                await asyncio.sleep(60)
            state["n"] += 1
            print("count", state["n"], flush=True)
            await asyncio.sleep(0.02)


store = os.environ["ACTOR_DEFAULT_KEY_VALUE_STORE_ID"]
with urllib.request.urlopen(urllib.request.Request(
    f"{{API.rstrip('/')}}/v2/key-value-stores/{{store}}/records/INPUT", headers={{"Authorization": f"Bearer {{TOKEN}}"}}
)) as answer:
    given = json.load(answer)
connection = say(given["part"])
if given["part"] == "counts":
    asyncio.run(count(connection))
elif given["depth"]:
    start(given["depth"] - 1)
else:
    connection.recv(2)
"""
