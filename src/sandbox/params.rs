//! A query string as the listing calls read it: repeated keys, `+`/`-` prefixes, paging and order.
//! Does not know what is listed.

use actix_web::web::Query;

use super::errors::Refusal;
use super::listing::{Order, Paging};

/// How many values one filter takes.
const MAX_VALUES: usize = 100;
const MAX_LIMIT: usize = 500;
const DEFAULT_LIMIT: usize = 10;

/// The decoded pairs of a query string, in order.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query).ok().ok_or(Refusal::ParametersMalformed)?;
        Ok(Self(pairs.into_inner()))
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.one(name) == Some("true")
    }

    /// A text to search for, in lower case; empty searches are none.
    pub(super) fn search(&self, name: &str) -> Option<String> {
        self.one(name).filter(|text| !text.is_empty()).map(str::to_lowercase)
    }

    /// Every value of a repeated key.
    pub(super) fn all(&self, name: &'static str) -> Result<Vec<String>, Refusal> {
        let values: Vec<String> =
            self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect();
        if values.len() > MAX_VALUES { Err(Refusal::TooManyValues { name, limit: MAX_VALUES }) } else { Ok(values) }
    }

    /// Every value of a repeated key whose values may say "not this one".
    pub(super) fn choice(&self, name: &'static str) -> Result<Choice, Refusal> {
        let mut choice = Choice::default();
        for value in self.all(name)? {
            match value.strip_prefix('-') {
                Some(excluded) => choice.exclude.push(excluded.to_owned()),
                None => choice.include.push(value.strip_prefix('+').unwrap_or(&value).to_owned()),
            }
        }
        Ok(choice)
    }

    pub(super) fn paging(&self) -> Result<Paging, Refusal> {
        let limit = self.number("limit")?.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Refusal::ParameterValue("limit"));
        }
        Ok(Paging { limit, offset: self.number("offset")?.unwrap_or(0) })
    }

    fn number(&self, name: &'static str) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.one(name) else { return Ok(None) };
        let wrong = Refusal::ParameterFormat { name, expected: "a whole number, 0 or greater" };
        text.parse().map(Some).ok().ok_or(wrong)
    }

    /// The order asked for, out of those that the call knows; the newest first if none is.
    pub(super) fn order(&self, known: &[&'static str]) -> Result<Order, Refusal> {
        let text = self.one("order_by").unwrap_or("-created_at");
        let descending = text.starts_with('-');
        // A bare `+` in a query string decodes to a space.
        let name = text.trim_start_matches(['-', '+', ' ']);
        let field = known.iter().find(|field| **field == name).ok_or(Refusal::ParameterValue("order_by"))?;
        Ok(Order { field, descending })
    }
}

/// Values asked for and values ruled out; nothing asked for is everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
}

impl Choice {
    pub(super) fn takes(&self, value: &str) -> bool {
        (self.include.is_empty() || self.includes(value)) && !self.excludes(value)
    }

    pub(super) fn includes(&self, value: &str) -> bool {
        self.include.iter().any(|included| included == value)
    }

    pub(super) fn excludes(&self, value: &str) -> bool {
        self.exclude.iter().any(|excluded| excluded == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::parse(query).unwrap()
    }

    #[test]
    fn prefixes_choose_and_rule_out() {
        let choice = params("user_id=%2Bu1&user_id=-u2&user_id=u3&role=x").choice("user_id").unwrap();
        assert_eq!((choice.include, choice.exclude), (vec!["u1".into(), "u3".into()], vec!["u2".into()]));
    }

    #[test]
    fn pages_have_1_to_500_rows_and_10_unless_told() {
        assert_eq!(params("").paging(), Ok(Paging { limit: 10, offset: 0 }));
        assert_eq!(params("limit=500&offset=3").paging(), Ok(Paging { limit: 500, offset: 3 }));
        for wrong in ["limit=0", "limit=501", "limit=10.0", "limit=x", "offset=-1", "limit="] {
            assert!(params(wrong).paging().is_err(), "{wrong}");
        }
    }

    #[test]
    fn more_than_100_values_are_refused() {
        let query = vec!["user_id=u"; 101].join("&");
        assert_eq!(params(&query).all("user_id"), Err(Refusal::TooManyValues { name: "user_id", limit: 100 }));
    }

    #[test]
    fn orders_are_signed_and_known() {
        let known = ["created_at", "name"];
        assert_eq!(params("").order(&known), Ok(Order { field: "created_at", descending: true }));
        assert_eq!(params("order_by=%2Bname").order(&known), Ok(Order { field: "name", descending: false }));
        assert_eq!(params("order_by=-name").order(&known), Ok(Order { field: "name", descending: true }));
        assert_eq!(params("order_by=shoe").order(&known), Err(Refusal::ParameterValue("order_by")));
    }
}
