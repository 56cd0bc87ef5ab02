"""Sends with the official libraries of senders, unchanged, to a usher that runs: `python senders.py CLAIM`.

USHER_URL says where it listens, TOKEN and SECRET prove who sends.
"""

import base64
import http.client
import json
import os
import sys
import warnings
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from cloudevents.core.bindings import http as binding
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import conversion
from cloudevents.v1.http import CloudEvent as OlderCloudEvent
from standardwebhooks import Webhook

TOKEN = {"authorization": f"Bearer {os.environ.get('TOKEN')}"}
SOURCE = "https://shop.example/orders"
DATA = {"organization_id": "org_acme", "user_id": "user_ada", "plan": "team"}


def attributes(event_id, **more):
    return {"id": event_id, "source": SOURCE, "type": "plan.purchased", "specversion": "1.0", "partitionkey": "org_acme", **more}


def post(headers, body, proof=None):
    # Unlike urllib it adds no Content-Type of its own.
    connection = http.client.HTTPConnection(urlsplit(os.environ["USHER_URL"]).netloc, timeout=30)
    connection.request("POST", "/v1/events", body, {**headers, **(TOKEN if proof is None else proof)})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, response.headers.get("idempotent-replayed") == "true", answer


def accepted(event_id, status, replayed, answer, *, again=False):
    assert (status, replayed) == (202, again), (status, replayed, answer)
    assert (answer["source"], answer["event_id"]) == (SOURCE, event_id), answer
    assert answer["changes"][0]["user"] == "user_ada", answer


def structured():
    message = binding.to_structured_event(CloudEvent(attributes("py-structured"), DATA))
    accepted("py-structured", *post(message.headers, message.body))
    older = conversion.to_json(OlderCloudEvent(attributes("py-older"), DATA))
    accepted("py-older", *post({"content-type": "application/cloudevents+json"}, older))


def binary():
    """With and without a Content-Type, which the library only sends where the event names one; percent-encoded too."""
    for event_id, more in [
        ("py-binary", {"datacontenttype": "application/json"}),
        ("py-untyped", {}),
        ("py-encoded", {"datacontenttype": "application/json", "subject": "50% \"Euro\" € 😀"}),
    ]:
        event = CloudEvent(attributes(event_id, **more), DATA)
        message = binding.to_binary_event(event)
        accepted(event_id, *post(message.headers, message.body))
        message = binding.to_structured_event(event)
        accepted(event_id, *post(message.headers, message.body), again=True)
    headers, body = older_binary(OlderCloudEvent(attributes("py-older-binary"), DATA))
    accepted("py-older-binary", *post(headers, body))


def older_binary(event):
    """The interface that versions before 2 have; it says that it is deprecated."""
    from cloudevents.v1.http import to_binary

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return to_binary(event)


def signed():
    message = binding.to_structured_event(CloudEvent(attributes("py-signed"), DATA))
    body, now = message.body.decode(), datetime.now(timezone.utc)

    def proof(when=now, secret=os.environ["SECRET"], **more):
        signature = Webhook(secret).sign("msg_py", when, body)
        seconds = str(int(when.timestamp()))
        return {"webhook-id": "msg_py", "webhook-timestamp": seconds, "webhook-signature": signature, **more}

    for tampered, headers in [
        (body + " ", proof()),
        (body, proof(**{"webhook-id": "msg_other"})),
        (body, proof(secret="whsec_" + base64.b64encode(bytes(32)).decode())),
        (body, proof(now - timedelta(seconds=310))),
        (body, proof(now + timedelta(seconds=310))),
    ]:
        status, _, answer = post(message.headers, tampered, headers)
        assert status == 401, (status, answer, headers)
    accepted("py-signed", *post(message.headers, body, proof()))
    accepted("py-signed", *post(message.headers, body, proof(datetime.now(timezone.utc))), again=True)


{"structured": structured, "binary": binary, "signed": signed}[sys.argv[1]]()
