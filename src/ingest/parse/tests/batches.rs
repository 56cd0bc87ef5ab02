//! Batches: event by event, in order.
//! Knows nothing of what becomes of them.

use super::*;

fn batch(body: &str) -> Vec<Result<Event, ParseError>> {
    match request(Mode::Batch, body, &[], None) {
        Ok(Parsed::Batch(events)) => events,
        other => panic!("expected a batch, got {other:?}"),
    }
}

#[test]
fn each_element_is_an_event_or_refused_by_itself() {
    let wrong = CLOUD_EVENT.replace("plan.purchased", "").replace("1.0", "0.3");
    let twice = CLOUD_EVENT.replace("\"id\":\"1\"", "\"id\":\"1\",\"id\":\"1\"");
    let mut events = batch(&format!("[{CLOUD_EVENT},{wrong},7,{CLOUD_EVENT},{twice}]"));
    assert!(
        matches!(events.pop(), Some(Err(ParseError::Json(JsonError::Duplicate { pointer, .. }))) if pointer == "#/4/id")
    );
    assert_eq!(events.pop().unwrap().unwrap(), cloud(CLOUD_EVENT).unwrap());
    assert_eq!(pointers(events.pop().unwrap()), ["#/2"]);
    assert_eq!(pointers(events.pop().unwrap()), ["#/1/specversion", "#/1/type"]);
    assert_eq!(events.pop().unwrap().unwrap(), cloud(CLOUD_EVENT).unwrap());
}

#[test]
fn a_batch_may_be_empty_and_has_a_maximum() {
    assert!(batch(" []").is_empty());
    let of = |count: usize| format!("[{}]", vec![CLOUD_EVENT; count].join(","));
    assert_eq!(batch(&of(100)).len(), 100);
    assert!(matches!(request(Mode::Batch, &of(101), &[], None), Err(ParseError::TooMany { limit: 100 })));
}

#[test]
fn a_body_that_is_no_array_is_refused_as_a_whole() {
    assert_eq!(pointers(request(Mode::Batch, CLOUD_EVENT, &[], None).map(|_| panic!("taken"))), ["#"]);
    for body in ["", " \n"] {
        assert!(matches!(request(Mode::Batch, body, &[], None), Err(ParseError::Empty)));
    }
    assert!(matches!(request(Mode::Batch, "[{]", &[], None), Err(ParseError::Json(_))));
}

#[test]
fn all_events_of_a_batch_have_the_trace_of_their_request() {
    let body = format!("[{CLOUD_EVENT},{CLOUD_EVENT}]");
    let Ok(Parsed::Batch(events)) = request(Mode::Batch, &body, &[("traceparent", TRACEPARENT)], None) else {
        panic!("no batch")
    };
    assert!(events.into_iter().all(|event| event.unwrap().trace.unwrap().traceparent == TRACEPARENT));
}
