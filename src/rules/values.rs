//! JSON to the values CEL works with: whole numbers are `int`, texts are borrowed, depth is bounded.
//! Knows nothing of events or rules.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use serde_json::Value;

use super::moment::Moment;

/// Deepest nesting of `data`; serde_json reads no more by itself.
const MAX_DEPTH: usize = 128;

/// JSON that is nested too deeply to be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data is nested too deeply")]
pub(super) struct TooDeep;

/// How large the parts of a value are: what a loop over it may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// All values within it.
    pub(super) values: usize,
    /// Elements of its longest list or map.
    pub(super) longest_list: usize,
    /// Bytes of all its texts.
    pub(super) text: usize,
    /// Bytes of its longest text.
    pub(super) longest_text: usize,
}

/// A value for as long as its JSON lives; no text is copied.
pub(super) fn borrowed<'v>(json: &'v Value, extent: &mut Extent) -> Result<Box<dyn Val + 'v>, TooDeep> {
    convert(json, CelString::from, extent, MAX_DEPTH)
}

/// A value of its own, for what outlives every event.
pub(super) fn owned(json: &Value) -> Result<Box<dyn Val>, TooDeep> {
    convert(json, |text: &str| CelString::from(text.to_owned()), &mut Extent::default(), MAX_DEPTH)
}

fn convert<'j, 'v>(
    json: &'j Value,
    text: fn(&'j str) -> CelString<'v>,
    extent: &mut Extent,
    depth: usize,
) -> Result<Box<dyn Val + 'v>, TooDeep> {
    let depth = depth.checked_sub(1).ok_or(TooDeep)?;
    extent.values += 1;
    Ok(match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => convert_number(number),
        Value::String(value) => {
            extent.text += value.len();
            extent.longest_text = extent.longest_text.max(value.len());
            Box::new(text(value))
        }
        Value::Array(items) => {
            extent.longest_list = extent.longest_list.max(items.len());
            let items: Result<Vec<_>, _> = items.iter().map(|item| convert(item, text, extent, depth)).collect();
            Box::new(CelList::from(items?))
        }
        Value::Object(members) => {
            extent.longest_list = extent.longest_list.max(members.len());
            let mut map = HashMap::with_capacity(members.len());
            for (key, member) in members {
                map.insert(CelMapKey::String(text(key)), convert(member, text, extent, depth)?);
            }
            Box::new(CelMap::from(map))
        }
    })
}

fn convert_number<'v>(number: &serde_json::Number) -> Box<dyn Val + 'v> {
    if let Some(whole) = number.as_i64() {
        Box::new(CelInt::from(whole))
    } else if let Some(large) = number.as_u64() {
        Box::new(CelUInt::from(large))
    } else {
        Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN)))
    }
}

/// Why a value is no JSON that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotJson {
    /// There is not enough room for it.
    TooLarge,
    /// A value of this type is no JSON.
    Type(String),
}

/// Takes `bytes` of the room that is left.
pub(super) fn take(room: &mut usize, bytes: usize) -> Result<(), NotJson> {
    *room = room.checked_sub(bytes).ok_or(NotJson::TooLarge)?;
    Ok(())
}

/// JSON again; what it may take as text comes off `room`, so that no more than that is ever copied.
pub(super) fn to_json(value: &dyn Val, room: &mut usize) -> Result<Value, NotJson> {
    if let Some(list) = value.downcast_ref::<CelList>() {
        take(room, 2 + list.inner().len())?;
        return list.inner().iter().map(|item| to_json(&**item, room)).collect();
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        return object(map, room);
    }
    let json = match value.downcast_ref::<CelString>() {
        // What it takes in quotes is known only after it is copied.
        Some(text) if text.inner().len() > *room => return Err(NotJson::TooLarge),
        Some(text) => Value::from(text.inner()),
        None => scalar(value)?,
    };
    take(room, json.to_string().len())?;
    Ok(json)
}

fn object(map: &CelMap<'_>, room: &mut usize) -> Result<Value, NotJson> {
    take(room, 2 + 2 * map.inner().len())?;
    let mut members = serde_json::Map::new();
    for (key, member) in map.inner() {
        let key = key.inner();
        let Some(name) = key.downcast_ref::<CelString>() else {
            return Err(NotJson::Type(format!("{} as a key", key.get_type().name())));
        };
        to_json(name, room)?;
        members.insert(name.inner().to_owned(), to_json(&**member, room)?);
    }
    Ok(Value::Object(members))
}

fn scalar(value: &dyn Val) -> Result<Value, NotJson> {
    let number = |number: f64| serde_json::Number::from_f64(number).map(Value::Number);
    let json = if value.downcast_ref::<CelNull>().is_some() {
        Some(Value::Null)
    } else if let Some(truth) = value.downcast_ref::<CelBool>() {
        Some((*truth.inner()).into())
    } else if let Some(whole) = value.downcast_ref::<CelInt>() {
        Some((*whole.inner()).into())
    } else if let Some(large) = value.downcast_ref::<CelUInt>() {
        Some((*large.inner()).into())
    } else if let Some(double) = value.downcast_ref::<CelDouble>() {
        number(*double.inner())
    } else {
        value.downcast_ref::<Moment>().map(|moment| moment.to_string().into())
    };
    json.ok_or_else(|| NotJson::Type(value.get_type().name().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn arbitrary_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map("\\PC{0,8}", inner, 0..8).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn json_values(json: &Value) -> usize {
        let mut extent = Extent::default();
        borrowed(json, &mut extent).unwrap();
        extent.values * 2
    }

    #[test]
    fn whole_numbers_are_int_so_that_literals_can_be_added() {
        let value = owned(&json!(1)).unwrap();
        assert!(value.downcast_ref::<CelInt>().is_some());
        assert!(owned(&json!(u64::MAX)).unwrap().downcast_ref::<CelUInt>().is_some());
        assert!(owned(&json!(1.5)).unwrap().downcast_ref::<CelDouble>().is_some());
    }

    #[test]
    fn depth_is_bounded_and_extent_is_measured() {
        let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(borrowed(&deep(MAX_DEPTH - 1), &mut Extent::default()).is_ok());
        assert!(borrowed(&deep(MAX_DEPTH), &mut Extent::default()).is_err());
        let mut extent = Extent::default();
        let json = json!({"a": [1, 2, 3], "b": "four"});
        assert!(borrowed(&json, &mut extent).is_ok());
        assert_eq!(extent, Extent { values: 6, longest_list: 3, text: 4, longest_text: 4 });
    }

    proptest! {
        #[test]
        fn nothing_is_lost_on_the_way(json in arbitrary_json()) {
            let mut room = usize::MAX;
            prop_assert_eq!(to_json(&*borrowed(&json, &mut Extent::default()).unwrap(), &mut room), Ok(json.clone()));
            prop_assert_eq!(to_json(&*owned(&json).unwrap(), &mut room), Ok(json));
        }

        #[test]
        fn what_fits_is_known_to_a_few_bytes(json in arbitrary_json(), room in 0usize..200) {
            let (value, length) = (owned(&json).unwrap(), json.to_string().len());
            match to_json(&*value, &mut room.clone()) {
                Ok(_) => prop_assert!(length <= room),
                Err(wrong) => {
                    prop_assert_eq!(wrong, NotJson::TooLarge);
                    prop_assert!(length + json_values(&json) > room);
                }
            }
        }
    }
}
