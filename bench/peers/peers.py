"""The Python side of the comparison: measures scikit-learn, polars and numpy.

Started by the Go program, which sends one request per line as JSON and waits
for the answer; so the two sides never run at the same time. Times are
nanoseconds, wall and processor, of the work alone. A request that fails, for
example because a library is missing, answers with "error".
"""

import json
import sys
import time

arrays, models = {}, {}


def timed(work):
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    value = work()
    return {"wall": time.perf_counter_ns() - wall, "cpu": time.process_time_ns() - cpu}, value


def versions(_):
    found = {"Python": sys.version.split()[0]}
    for name in ("numpy", "polars", "sklearn"):
        try:
            found[name] = __import__(name).__version__
        except ImportError:
            pass
    return found


def load(r):
    """Matrices are stored by column; scikit-learn wants them by row."""
    import numpy

    arrays[r["name"]] = numpy.ascontiguousarray(numpy.load(r["file"]))
    return {}


def sgd(r):
    from sklearn.linear_model import SGDClassifier

    models["it"] = SGDClassifier(
        loss="log_loss", penalty="l2", alpha=r["alpha"], learning_rate="constant", eta0=r["eta0"], shuffle=False, n_jobs=1
    )
    return {}


def kmeans(r):
    from sklearn.cluster import MiniBatchKMeans

    first = arrays[r["x"]][: r["k"]].copy()
    models["it"] = MiniBatchKMeans(n_clusters=r["k"], init=first, n_init=1, batch_size=r["batch"], reassignment_ratio=0)
    return {}


def learn(r):
    """Learns rows from..to in calls of batch rows."""
    model, x = models["it"], arrays[r["x"]]
    batches = [slice(i, i + r["batch"]) for i in range(r["from"], r["to"], r["batch"])]
    if "y" in r:
        y = arrays[r["y"]]
        cost, _ = timed(lambda: [model.partial_fit(x[b], y[b], classes=[0, 1]) for b in batches])
    else:
        cost, _ = timed(lambda: [model.partial_fit(x[b]) for b in batches])
    return cost


def weights(_):
    model = models["it"]
    if hasattr(model, "cluster_centers_"):
        return {"values": model.cluster_centers_.ravel().tolist()}
    return {"values": model.coef_.ravel().tolist() + model.intercept_.tolist()}


def frame(_):
    import polars

    arrays["frame"] = polars.DataFrame({name: arrays[name] for name in ("k", "x", "y")})
    return {}


def query(r):
    """Runs a query and returns, after the clock has stopped, sums over its result."""
    if r["engine"] == "numpy":
        x, y = arrays["x"], arrays["y"]
        work = {"sum": lambda: [x.sum()], "filter": lambda: [x[y > 0.5].sum()]}[r["query"]]
        cost, values = timed(work)
        return cost | {"values": [float(v) for v in values]}
    import polars

    df, c = arrays["frame"], polars.col
    work = {
        "sum": lambda: df.select(c("x").sum()),
        "filter": lambda: df.filter(c("y") > 0.5).select(c("x").sum()),
        "group": lambda: df.group_by("k").agg(c("x").sum().alias("s"), c("x").mean().alias("m"), c("x").min().alias("a"), c("x").max().alias("b")),
    }[r["query"]]
    cost, result = timed(work)
    return cost | {"values": [float(result[name].sum()) for name in result.columns if name != "k"], "rows": result.height}


handlers = {f.__name__: f for f in (versions, load, sgd, kmeans, learn, weights, frame, query)}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = handlers[request["do"]](request)
    except Exception as e:  # the other side decides what a failure means
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)
