//! What a job's network gives, asked of the process that checks network files.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    create::{CHECK, form_of},
    kind::Known,
};
use crate::{
    frontend::Source,
    studio::{app::App, blocking::in_place, child::question::Question},
    tasks::check::CheckRequest,
};

/// A database may take so long to say what it holds.
const LOOK: Duration = Duration::from_secs(10);
/// A job's page waits so long: the next one has the answer then.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the job's network is; asked once, unless its file cannot be followed.
pub(crate) async fn known(app: &Arc<App>, id: &str) -> Known {
    if let Some(known) = app.kinds.get(id) {
        return known;
    }
    let (app, id) = (Arc::clone(app), id.to_string());
    let looking = tokio::spawn(async move {
        let known = look(&app, &id).await.unwrap_or_default();
        if known.output.is_some() && app.jobs.summary(&id).is_some() {
            app.kinds.keep(&id, known.clone());
        }
        known
    });
    tokio::time::timeout(PATIENCE, looking).await.ok().and_then(Result::ok).unwrap_or_default()
}

async fn look(app: &Arc<App>, id: &str) -> Option<Known> {
    let form = in_place(|| form_of(app, id)).ok()?;
    let request = match (form.dataset.as_deref(), form.options.train_db.clone()) {
        (None, Some(train_db)) => {
            let found: Value = app.looker.ask(&Question::Database(train_db), LOOK).await.ok()?;
            let shape: Vec<i64> = serde_json::from_value(found["shape"].clone()).ok()?;
            let shape = shape.iter().map(i64::to_string).collect::<Vec<_>>().join("x");
            CheckRequest { input_shape: shape.parse().ok(), ..CheckRequest::default() }
        }
        (dataset, _) => in_place(|| app.check_request(dataset)),
    };
    let source = Source::pasted(&form.file, &form.text);
    let question = Question::Check { source, request, crop: form.options.crop };
    app.checker.ask(&question, CHECK).await.ok()
}
