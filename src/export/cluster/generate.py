# /// script
# requires-python = ">=3.10"
# dependencies = ["ray[data,llm]>=2.49.1"]
# ///
"""Asks a language model for the decoys in requests.jsonl, checks each answer as the page does, and writes what passed.

    uv run generate.py --model Qwen/Qwen2.5-7B-Instruct                              vLLM, batched and spread by Ray Data
    python3 generate.py --endpoint http://localhost:8000/v1 --model NAME             any OpenAI-compatible endpoint; Python alone

It leaves negatives.jsonl, which the page reads beside corpus.jsonl and queries.jsonl (and which its provider "recorded" judges once
more by the page's own checks), and rejected.jsonl with the reason for each answer that did not pass. A rejected answer is asked for
again with its next seed. What negatives.jsonl has is not asked for again, so a run that was stopped goes on.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks import Checks

HERE = Path(__file__).resolve().parent
FORMAT = 1


def refuse(message):
    sys.exit(f"generate.py: {message}")


def read_lines(path):
    """A last line that a stop cut off is passed over."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


def sampling(request, seed, settings):
    return {"temperature": settings["temperature"], "top_p": settings["topP"], "max_tokens": settings["maxTokens"], "seed": seed}


# ---- Asking: each takes [(request, seed)] and gives [(answer, "stop" | "length", error)] in their order ------------------------------


def by_endpoint(options, settings):
    """The schema is left out where the endpoint refuses it: the answer is checked all the same."""
    key = os.environ.get("OPENAI_API_KEY", "")
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}

    def post(body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(options.endpoint.rstrip("/") + "/chat/completions", data, headers)
        with urllib.request.urlopen(request, timeout=options.timeout) as answer:
            return json.load(answer)

    def ask(job):
        request, seed = job
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": request["schema"], "strict": True}}
        body = {"model": options.model, "messages": request["messages"], **sampling(request, seed, settings), "response_format": form}
        for wait in (1, 4, 16, 0):
            try:
                choice = post(body)["choices"][0]
                return choice["message"]["content"] or "", choice.get("finish_reason") or "stop", None
            except urllib.error.HTTPError as error:
                problem = f"{error.code} {error.read(500).decode(errors='replace')}"
                if error.code in (400, 422) and "response_format" in body:
                    del body["response_format"]
                    continue
                if error.code not in (429, 500, 502, 503, 504):
                    return "", "stop", problem
            except (OSError, ValueError, KeyError, IndexError) as error:
                problem = f"{type(error).__name__}: {error}"
            time.sleep(wait)
        return "", "stop", problem

    def ask_all(jobs):
        with ThreadPoolExecutor(options.concurrency) as pool:
            return list(pool.map(ask, jobs))

    return ask_all


def by_ray(options, settings):
    """Every replica holds the model on its own GPUs; Ray Data deals the requests out, on as many nodes as the Ray cluster has."""
    try:
        import ray
        from ray.data.llm import build_processor, vLLMEngineProcessorConfig
    except ImportError as error:
        refuse(f"{error}. Install ray[data,llm] (uv run generate.py does), or ask an endpoint: --endpoint URL.")
    engine = {"tensor_parallel_size": options.tensor_parallel, "max_model_len": options.context}
    config = vLLMEngineProcessorConfig(
        model_source=options.model, engine_kwargs=engine, concurrency=options.replicas, batch_size=options.batch
    )

    def before(row):
        request = json.loads(row["request"])
        asked = sampling(request, row["seed"], settings)
        # As text too: a table would give every schema the keys of all.
        form = {"json": json.dumps(request["schema"])}
        return {"messages": request["messages"], "sampling_params": {**asked, "structured_outputs": form}}

    def after(row):
        return {"at": row["at"], "answer": row["generated_text"], "tokens": row["num_generated_tokens"]}

    processor = build_processor(config, preprocess=before, postprocess=after)

    def ask_all(jobs):
        # Requests go as text: their schemas differ, and a table wants one type a column.
        rows = [{"at": at, "seed": seed, "request": json.dumps(request)} for at, (request, seed) in enumerate(jobs)]
        answers = [("", "stop", "no answer")] * len(jobs)
        for row in processor(ray.data.from_items(rows)).iter_rows():
            finish = "length" if row["tokens"] >= settings["maxTokens"] else "stop"
            answers[row["at"]] = (row["answer"], finish, None)
        return answers

    return ask_all


# ---- Rounds: all that is missing with its first seed, what was rejected with the next ----------------------------------------------------


def written_row(request, judged, seed, options, settings):
    """As the page reads negatives.jsonl; what it does not know it passes over."""
    return {
        "query_id": request["query_id"],
        "source": "synthetic",
        "title": judged["title"],
        "text": judged["text"],
        **({"reasoning": judged["reasoning"]} if "reasoning" in judged else {}),
        "attributes": request["attributes"],
        "model": options.model,
        "recipe": settings["recipe"],
        "index": request["index"],
        "positive_id": request["positive_id"],
        "seed": seed,
        "outcome": judged["outcome"],
        "notes": judged["notes"],
    }


def judge_all(checks, jobs, answers, settings):
    """Verdicts in the order of the jobs; copies of the collection's documents are looked for in one pass over it."""
    judged = []
    for (request, _), (answer, finish, error) in zip(jobs, answers):
        if error:
            judged.append({"outcome": "rejected", "notes": [["noAnswer", error]], "title": "", "text": ""})
        else:
            judged.append(checks.judge(answer, finish, settings["reflection"], request["query"], request["positive"]))
    passed = [at for at, one in enumerate(judged) if one["outcome"] != "rejected"]
    texts = [(judged[at]["text"], jobs[at][0]["positive_id"]) for at in passed]
    for at, copied in zip(passed, checks.copied(texts, read_lines(HERE / "documents.jsonl"))):
        if copied:
            judged[at] = {**judged[at], "outcome": "rejected", "notes": [["copiesDocument", copied]]}
    return judged


def slot(request):
    return request["query_id"], request["positive_id"], request["index"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="for vLLM a hub id or a folder, for an endpoint its name of the model")
    parser.add_argument("--endpoint", help="URL of an OpenAI-compatible API, up to /v1; its key is taken from OPENAI_API_KEY")
    parser.add_argument("--concurrency", type=int, default=16, help="requests at an endpoint at once")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for an answer of an endpoint")
    parser.add_argument("--replicas", type=int, default=1, help="engines that Ray starts")
    parser.add_argument("--tensor-parallel", type=int, default=1, help="GPUs of one engine")
    parser.add_argument("--context", type=int, default=4096, help="tokens of prompt and answer together")
    parser.add_argument("--batch", type=int, default=64, help="requests in one of Ray's batches")
    parser.add_argument("--limit", type=int, help="only the first so many requests")
    options = parser.parse_args()
    told = json.loads((HERE / "writing.json").read_text("utf-8"))
    if told.get("format") != FORMAT:
        refuse(f"writing.json has format {told.get('format')}, this program reads format {FORMAT}. Take the generate.py that came with it.")
    settings, checks, out = told["settings"], Checks(told["checks"]), HERE / "negatives.jsonl"
    done, siblings = set(), {}
    for row in read_lines(out):
        done.add((row["query_id"], row["positive_id"], row["index"]))
        siblings.setdefault(row["query_id"], []).append(row["text"])
    asked = [request for _, request in zip(range(options.limit or sys.maxsize), read_lines(HERE / "requests.jsonl"))]
    missing = [request for request in asked if slot(request) not in done]
    ask_all = (by_endpoint if options.endpoint else by_ray)(options, settings)
    tries = max((len(request["seeds"]) for request in missing), default=0)
    with out.open("a", encoding="utf-8") as good, (HERE / "rejected.jsonl").open("a", encoding="utf-8") as bad:
        for attempt in range(tries):
            jobs = [(request, request["seeds"][attempt]) for request in missing if attempt < len(request["seeds"])]
            answers = ask_all(jobs)
            missing = []
            for (request, seed), (answer, _, _), judged in zip(jobs, answers, judge_all(checks, jobs, answers, settings)):
                earlier = siblings.setdefault(request["query_id"], [])
                like = judged["outcome"] != "rejected" and checks.like_sibling(judged["text"], earlier)
                if like:
                    judged = {**judged, "outcome": "rejected", "notes": [["copiesDocument", like]]}
                row = written_row(request, judged, seed, options, settings)
                if judged["outcome"] == "rejected":
                    missing.append(request)
                    bad.write(json.dumps({**row, "attempt": attempt + 1, "answer": answer[:8000]}, ensure_ascii=True) + "\n")
                else:
                    earlier.append(judged["text"])
                    good.write(json.dumps(row, ensure_ascii=True) + "\n")
            good.flush()
            bad.flush()
            print(json.dumps({"try": attempt + 1, "asked": len(jobs), "passed": len(jobs) - len(missing), "missing": len(missing)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
