"""Real clients of the Open Inference Protocol against a server: tritonclient[http] and kserve. Run by hand:

    pip install "tritonclient[http]" kserve pillow
    python open_inference_clients.py http://127.0.0.1:8080 DETECTOR IMAGE...

Prints what passed; the first thing that does not ends it.
"""

import asyncio
import sys
from urllib.parse import urlparse

import numpy as np
from PIL import Image


def triton(address, model, files):
    import tritonclient.http as http
    from tritonclient.utils import InferenceServerException

    client = http.InferenceServerClient(urlparse(address).netloc)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    metadata = client.get_model_metadata(model)
    assert [i["name"] for i in metadata["inputs"]] == ["image"], metadata
    assert any(m["name"] == model for m in client.get_model_repository_index())
    pixels = [np.asarray(Image.open(f).convert("RGB")) for f in files]
    scores = {}
    for binary in (True, False):
        found = []
        for image in pixels:
            batch = np.stack([image])
            tensor = http.InferInput("image", list(batch.shape), "UINT8")
            tensor.set_data_from_numpy(batch, binary_data=binary)
            wanted = [http.InferRequestedOutput(n, binary_data=binary) for n in ("score", "anomaly_map", "anomalous")]
            answer = client.infer(model, [tensor], outputs=wanted, request_id="1")
            score, amap, anomalous = (answer.as_numpy(n) for n in ("score", "anomaly_map", "anomalous"))
            assert score.shape == (1,) and amap.ndim == 3 and anomalous.dtype == bool, (score, amap.shape)
            assert amap.max() >= score[0] - 1e-4
            found.append(float(score[0]))
        scores[binary] = found
    assert np.allclose(scores[True], scores[False], atol=1e-4), scores
    encoded = np.array([open(f, "rb").read() for f in files], dtype=np.object_)
    tensor = http.InferInput("image", [len(files)], "BYTES")
    tensor.set_data_from_numpy(encoded)
    answer = client.infer(model, [tensor])
    assert np.allclose(answer.as_numpy("score"), scores[True], atol=1e-4)
    future = client.async_infer(model, [tensor])
    assert np.allclose(future.get_result().as_numpy("score"), scores[True], atol=1e-4)
    try:
        client.infer("not-there", [tensor])
        raise AssertionError("a model that is not there answered")
    except InferenceServerException as error:
        assert "not-there" in str(error), error
    print("tritonclient: live, ready, metadata, index, JSON, binary, BYTES, async, errors; scores", scores[True])
    return scores[True]


async def kserve(address, model, files, scores):
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
    assert await client.is_server_live(address) and await client.is_server_ready(address)
    assert await client.is_model_ready(address, model)
    for binary in (True, False):
        for file, score in zip(files, scores):
            batch = np.asarray(Image.open(file).convert("RGB"))[None]
            tensor = InferInput("image", list(batch.shape), "UINT8")
            tensor.set_data_from_numpy(batch, binary_data=binary)
            request = InferRequest(model_name=model, infer_inputs=[tensor], request_id="2")
            answer = await client.infer(address, request, model_name=model)
            found = {o.name: o for o in answer.outputs}
            assert abs(float(found["score"].as_numpy()[0]) - score) < 1e-4, (found, score)
            assert found["anomaly_map"].as_numpy().ndim == 3
    print("kserve: live, ready, JSON, binary")


if __name__ == "__main__":
    address, model, *files = sys.argv[1:]
    scores = triton(address, model, files)
    asyncio.run(kserve(address, model, files, scores))
