"""What OpenAPI cannot say: a plain event needs an `id` in its body or an Idempotency-Key beside it."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    body = case.body
    if case.media_type != "application/json" or not isinstance(body, dict):
        return True
    headers = {name.lower() for name in case.headers or {}}
    return body.get("id") is not None or "idempotency-key" in headers
