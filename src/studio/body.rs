//! `Body`: a request's JSON of which every field is read: one that nothing reads is refused by its name.

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::refusal::Refusal;
use crate::error::{Error, Kind};

/// Bytes of a JSON body at most.
pub(crate) const BODY: usize = 4 << 20;

/// A request's JSON. What it was read into writes itself again: a field that is missing there was read by nobody.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Serialize> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Response> {
        let Json(sent) = Json::<Value>::from_request(request, state).await.map_err(JsonRejection::into_response)?;
        // Serde would take a list for the fields of a struct in their order.
        if !sent.is_object() {
            return Err(no_object(&sent).into_response());
        }
        let Json(read) = Json::<T>::from_bytes(sent.to_string().as_bytes()).map_err(JsonRejection::into_response)?;
        let known = serde_json::to_value(&read).unwrap_or_default();
        match unread(&sent, &known, "") {
            Some(name) => Err(Refusal::usage(format!("{name} is no field of this request")).into_response()),
            None => Ok(Body(read)),
        }
    }
}

/// 400 for a body that is no object.
fn no_object(sent: &Value) -> Refusal {
    let what = match sent {
        Value::Array(_) => "a list".to_string(),
        Value::String(_) => "a text".to_string(),
        other => other.to_string(),
    };
    Error::new(Kind::Usage, format!("the body is {what}")).with_fact("it must be", "an object").into()
}

/// The first field of `sent` that `known` lacks, by its way from the top; one that is null asks for nothing.
fn unread(sent: &Value, known: &Value, above: &str) -> Option<String> {
    match (sent, known) {
        (Value::Object(fields), Value::Object(of)) => fields.iter().find_map(|(name, value)| {
            let way = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            match of.get(name) {
                Some(known) => unread(value, known, &way),
                None if value.is_null() => None,
                None => Some(way),
            }
        }),
        (Value::Array(sent), Value::Array(known)) => {
            sent.iter().zip(known).find_map(|(sent, known)| unread(sent, known, above))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_that_is_no_object_is_said_to_be_none() {
        let said = |sent: Value| no_object(&sent).page.message;
        assert_eq!(
            [json!([]), json!("x"), json!(3), json!(null)].map(said),
            ["the body is a list", "the body is a text", "the body is 3", "the body is null"]
        );
    }

    #[test]
    fn the_first_field_that_nothing_reads_is_named() {
        let known = json!({"name": "a", "image": {"record": {"path": "p", "index": 1}}, "lr": [0.1], "group": null});
        let of = |sent: Value| unread(&sent, &known, "");
        assert_eq!(of(json!({"name": "b", "lr": [1.0, 2.0], "group": null, "none": null})), None);
        assert_eq!(of(json!({"epochs": 3})), Some("epochs".into()));
        assert_eq!(of(json!({"image": {"record": {"split": "val"}}})), Some("image.record.split".into()));
    }
}
