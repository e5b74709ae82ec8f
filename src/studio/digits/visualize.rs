//! DIGITS' previews: the text of a network, its printed form, its learning rate.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    response::{Html, IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{create, fields::Fields, shapes::DigitsRefusal};
use crate::{
    frontend::{self, Source},
    studio::{
        app::App,
        blocking::in_place,
        child::question::Question,
        jobs::create::{CHECK, form_of},
    },
    tasks::{RunOptions, RunSettings},
};

/// The text of a standard network or of a job's.
pub(crate) async fn customize(State(app): State<Arc<App>>, request: Request) -> Result<Response, DigitsRefusal> {
    let fields = Fields::of(&app, request).await?;
    let name = fields.required("network")?;
    let text = match app.jobs.summary(name) {
        Some(_) => in_place(|| form_of(&app, name))?.text,
        None => create::standard(name)?.0,
    };
    Ok(Json(json!({"network": text, "snapshot": fields.text("snapshot_epoch"), "python_layer": null})).into_response())
}

/// The network and its criterion as Torch prints them.
pub(crate) async fn network(State(app): State<Arc<App>>, request: Request) -> Result<Response, DigitsRefusal> {
    let fields = Fields::of(&app, request).await?;
    let source = Source::pasted("network.lua", fields.required("custom_network")?);
    let asked = in_place(|| app.check_request(fields.text("dataset_id")));
    let question = Question::Check { source, request: asked, crop: fields.number("crop_size")? };
    let seen: Value = app.checker.ask(&question, CHECK).await.map_err(crate::studio::refusal::Refusal::from)?;
    let page: Option<crate::studio::error_page::ErrorPage> = serde_json::from_value(seen["error"].clone()).ok();
    if let Some(page) = page {
        return Err(crate::studio::refusal::Refusal::from(page).into());
    }
    let text = |name: &str| escaped(seen[name].as_str().unwrap_or_default());
    Ok(Html(format!("<pre>Model:\n{}\nCriterion:\n{}</pre>\n", text("printed"), text("criterion"))).into_response())
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '"' => out += "&quot;",
            other => drop(write!(out, "{other}")),
        }
    }
    out
}

/// 101 values, from 0 to 100 percent of the run, for each base rate.
pub(crate) async fn rates(State(app): State<Arc<App>>, request: Request) -> Result<Response, DigitsRefusal> {
    let fields = Fields::of(&app, request).await?;
    let policy = fields.text("lr_policy").unwrap_or("step").to_string();
    let gamma = |field: &str| fields.number::<f64>(&format!("lr_{field}_gamma"));
    let steps = fields.numbers::<f64>("lr_multistep_values")?;
    let options = RunOptions {
        lr_step: if policy == "sigmoid" { fields.number("lr_sigmoid_step")? } else { fields.number("lr_step_size")? },
        lr_steps: Some(steps).filter(|steps| !steps.is_empty()),
        lr_gamma: gamma(&policy)?,
        lr_power: fields.number(&format!("lr_{policy}_power"))?,
        lr_policy: Some(policy),
        ..RunOptions::default()
    };
    let mut bases: Vec<f64> = fields.numbers("learning_rate")?;
    if bases.is_empty() {
        bases.push(0.01);
    }
    let mut columns = Vec::new();
    for (i, base) in bases.into_iter().enumerate() {
        let settings =
            RunSettings::of(&RunOptions { lr: Some(base), ..options.clone() }, &frontend::Settings::default());
        settings.check()?;
        let schedule = settings.schedule()?;
        let mut column = vec![Value::from(format!("Learning Rate {i}"))];
        column.extend((0..=100).map(|percent| Value::from(schedule.rate(percent, 100))));
        columns.push(column);
    }
    Ok(Json(json!({"data": {"columns": columns}})).into_response())
}
