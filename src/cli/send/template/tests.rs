//! Files as they become requests.

use serde_json::json;

use super::*;

fn read(value: &Value, mode: Option<Mode>) -> Result<Template, TemplateError> {
    let mut made = 0;
    let make_id = || {
        made += 1;
        format!("made-{made}")
    };
    Template::read(value.to_string().into_bytes(), mode, make_id)
}

fn body(template: &Template, copy: Option<u32>) -> Value {
    serde_json::from_slice(&template.message(copy).unwrap().body).unwrap()
}

fn content_type(template: &Template) -> String {
    template.message(None).unwrap().headers[0].1.clone()
}

#[test]
fn the_mode_follows_from_the_file() {
    let cases = [
        (json!({"specversion": "1.0", "id": "1"}), Mode::Structured, "application/cloudevents+json"),
        (json!({"id": "1", "type": "t"}), Mode::Plain, "application/json"),
        (json!([{"specversion": "1.0", "id": "1"}]), Mode::Batch, "application/cloudevents-batch+json"),
        (json!([]), Mode::Batch, "application/cloudevents-batch+json"),
    ];
    for (file, mode, media_type) in cases {
        let template = read(&file, None).unwrap();
        assert_eq!((template.mode(), content_type(&template).as_str()), (mode, media_type), "{file}");
    }
}

#[test]
fn a_complete_file_is_sent_byte_by_byte() {
    let bytes = br#" { "type" : "t",  "id":"1", "data": 1.10 } "#.to_vec();
    let template = Template::read(bytes.clone(), None, || panic!("it has an id")).unwrap();
    let message = template.message(None).unwrap();
    assert_eq!((message.body, message.name.as_str()), (bytes, "t 1"));
}

#[test]
fn an_event_without_an_id_gets_one_that_is_told() {
    for file in [json!({"type": "t"}), json!({"type": "t", "id": null})] {
        let template = read(&file, None).unwrap();
        assert_eq!(template.made_ids(), ["made-1"]);
        assert_eq!(body(&template, None), json!({"type": "t", "id": "made-1"}));
    }
}

#[test]
fn copies_have_ids_of_their_own_and_nothing_else_of_their_own() {
    let template = read(&json!({"type": "t", "id": "a", "data": {"id": "a"}}), None).unwrap();
    assert_eq!(body(&template, Some(3)), json!({"type": "t", "id": "a-3", "data": {"id": "a"}}));
    let template = read(&json!([{"id": "a", "specversion": "1.0"}, {"specversion": "1.0"}]), None).unwrap();
    let ids: Vec<_> = body(&template, Some(2)).as_array().unwrap().iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["a-2", "made-1-2"]);
    assert_eq!(template.message(Some(2)).unwrap().name, "2 events");
}

#[test]
fn an_event_of_a_batch_is_called_by_type_and_id_or_by_its_place() {
    let file = json!([{"type": "t", "id": "a"}, {"type": "t", "id": 5}, {"id": "c"}]);
    let message = read(&file, None).unwrap().message(Some(1)).unwrap();
    assert_eq!(
        (message.name.as_str(), message.events),
        ("3 events", vec!["t a-1".to_owned(), "event 2 of 3".to_owned(), "event 3 of 3".to_owned()])
    );
    assert_eq!(read(&json!({"id": "c"}), None).unwrap().message(None).unwrap().events, ["? c"]);
}

#[test]
fn a_plain_event_can_be_sent_as_a_cloudevent() {
    let event = json!({"type": "t", "id": "1", "source": "s"});
    let expected = json!({"type": "t", "id": "1", "source": "s", "specversion": "1.0"});
    assert_eq!(body(&read(&event, Some(Mode::Structured)).unwrap(), None), expected);
    assert_eq!(body(&read(&event, Some(Mode::Batch)).unwrap(), None), json!([expected]));
}

#[test]
fn a_plain_event_without_a_source_gets_one_where_a_cloudevent_needs_it() {
    let event = json!({"type": "t", "id": "1"});
    let expected = json!({"type": "t", "id": "1", "source": "urn:usher:send", "specversion": "1.0"});
    for mode in [Mode::Structured, Mode::Binary, Mode::Batch] {
        assert_eq!(read(&event, Some(mode)).unwrap().made_source(), Some("urn:usher:send"), "{mode:?}");
    }
    assert_eq!(body(&read(&event, Some(Mode::Structured)).unwrap(), None), expected);
    let plain = read(&event, None).unwrap();
    assert_eq!((plain.made_source(), body(&plain, None)), (None, event));
    let told_to_be_one = json!({"type": "t", "id": "1", "specversion": "1.0"});
    let sent_as_it_is = read(&told_to_be_one, None).unwrap();
    assert_eq!((sent_as_it_is.made_source(), body(&sent_as_it_is, None)), (None, told_to_be_one));
}

#[test]
fn what_is_no_event_is_refused_before_anything_is_sent() {
    assert_eq!(read(&json!("text"), None).err(), Some(TemplateError::NoEvent));
    assert_eq!(read(&json!([{}, 1]), None).err(), Some(TemplateError::NoEvent));
    assert_eq!(read(&json!([]), Some(Mode::Plain)).err(), Some(TemplateError::OnlyBatch));
    let broken = Template::read(b"{\"id\": ".to_vec(), None, String::new);
    assert!(matches!(broken.err(), Some(TemplateError::Json(why)) if why.contains("line 1")));
    let odd = json!({"id": "1", "Odd": "x"});
    assert_eq!(read(&odd, Some(Mode::Binary)).err(), Some(TemplateError::NoHeader("Odd".to_owned())));
}
