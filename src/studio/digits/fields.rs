//! `Fields`: what a DIGITS client sends: a query, a form, or a form with files.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Form,
    extract::{FromRequest, Multipart, Query, Request},
    http::header,
};

use crate::studio::{
    app::App,
    refusal::{Answer, Refusal},
};

/// Texts and files by name.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    texts: BTreeMap<String, Vec<String>>,
    /// Ids of uploads.
    files: BTreeMap<String, String>,
}

impl Fields {
    /// All that a request carries; files are kept as uploads.
    ///
    /// # Errors
    /// 400 for a body that is no form, 413 for one that is too large.
    pub(crate) async fn of(app: &Arc<App>, request: Request) -> Answer<Fields> {
        let mut fields = Fields::default();
        if let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()) {
            pairs.into_iter().for_each(|(name, text)| fields.add(name, text));
        }
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        let unreadable = |words: String| Refusal::usage(format!("the form cannot be read: {words}"));
        if kind.starts_with("multipart/form-data") {
            let mut form =
                Multipart::from_request(request, &()).await.map_err(|cause| unreadable(cause.body_text()))?;
            while let Some(field) = form.next_field().await.map_err(|cause| unreadable(cause.body_text()))? {
                let name = field.name().unwrap_or_default().to_string();
                let file = field.file_name().map(String::from);
                let bytes = field.bytes().await.map_err(|cause| unreadable(cause.body_text()))?;
                match file {
                    Some(file) if !bytes.is_empty() => {
                        let (id, _) = app.uploads.keep(&file, bytes.into()).await?;
                        fields.files.insert(name, id);
                    }
                    Some(_) => {}
                    None => fields.add(name, String::from_utf8_lossy(&bytes).into_owned()),
                }
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
            let Form(pairs) = form.map_err(|cause| unreadable(cause.to_string()))?;
            pairs.into_iter().for_each(|(name, text)| fields.add(name, text));
        }
        Ok(fields)
    }

    fn add(&mut self, name: String, text: String) {
        self.texts.entry(name).or_default().push(text);
    }

    /// The last text of a name; nothing when it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name)?.last().map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// All texts of a name, such as `job_ids[]`.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.texts.get(name).cloned().unwrap_or_default()
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn required(&self, name: &str) -> Answer<&str> {
        self.text(name).ok_or_else(|| Refusal::usage(format!("{name} is required")))
    }

    /// A number.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Answer<Option<T>> {
        let parse =
            |text: &str| text.parse().map_err(|_| Refusal::usage(format!("{name} is '{text}', which is no number")));
        self.text(name).map(parse).transpose()
    }

    /// Numbers with commas between them.
    ///
    /// # Errors
    /// 400 when one is none.
    pub(crate) fn numbers<T: std::str::FromStr>(&self, name: &str) -> Answer<Vec<T>> {
        let parse = |text: &str| {
            text.trim().parse().map_err(|_| Refusal::usage(format!("{name} has '{text}', which is no number")))
        };
        let text = self.text(name).unwrap_or_default().trim_matches(['[', ']']);
        text.split(',').filter(|text| !text.trim().is_empty()).map(parse).collect()
    }

    /// A check box: one that is not sent is off.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| !matches!(text.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off" | "n"))
    }

    /// A file that was sent: the id of its upload.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        self.files.get(name).map(|id| format!("upload:{id}"))
    }
}
