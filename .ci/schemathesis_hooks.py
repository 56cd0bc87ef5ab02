"""What OpenAPI cannot say of a body together with its headers."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    has_key = "idempotency-key" in {name.lower() for name in case.headers or {}}
    match case.media_type:
        # A plain event has an `id`, or an Idempotency-Key beside it.
        case "application/json" if isinstance(case.body, dict):
            return has_key or case.body.get("id") is not None
        # 1.0 is an integer to JSON Schema, and none to CloudEvents.
        case "application/cloudevents+json" if isinstance(case.body, dict):
            return not any(isinstance(value, float) for value in case.body.values())
        # Of a batch each event has an identity of its own.
        case "application/cloudevents-batch+json":
            return not has_key
    return True
