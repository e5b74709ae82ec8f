//! `tf.summary`: what a file wants to be seen; nothing pasted writes files.

use super::{
    bound::Entry,
    convert,
    objects::{Inert, SummaryValue, Tf},
};
use crate::frontend::{
    python::{Given, Outcome, Raised, Value},
    tensorflow::{Summary, SummaryKind},
};

fn noted(tf: &Tf, given: &Given, value: crate::frontend::tensorflow::Symbol, kind: SummaryKind) -> Outcome {
    let tag = given.str("name")?.to_string();
    Ok(Value::native(SummaryValue(vec![tf.graph.add_summary(Summary { tag, kind, value })])))
}

/// The functions.
pub(super) const ALL: &[Entry] = &[
    ("tf.summary.scalar(name, tensor, collections=None, family=None)", |tf, _, given| {
        let value = convert::tensor(tf, given, "tensor")?;
        noted(tf, given, value, SummaryKind::Scalar)
    }),
    ("tf.summary.image(name, tensor, max_outputs=3, collections=None, family=None)", |tf, _, given| {
        let value = convert::tensor(tf, given, "tensor")?;
        let (dims, most) = (tf.graph.dims(value), given.int("max_outputs")?);
        if dims.rank() != 4 {
            return Err(Raised::value_error(format!("tf.summary.image wants images [n, h, w, c], and gets {dims}"))
                .with_help("give images of one, three or four channels, such as tf.reshape(x, [-1, h, w, 1])"));
        }
        if most < 1 {
            return Err(Raised::value_error(format!("max_outputs is {most}, and must be at least 1")));
        }
        noted(tf, given, value, SummaryKind::Image(most))
    }),
    ("tf.summary.histogram(name, values, collections=None, family=None)", |tf, _, given| {
        let value = convert::tensor(tf, given, "values")?;
        noted(tf, given, value, SummaryKind::Histogram)
    }),
    ("tf.summary.text(name, tensor, collections=None)", |_, _, _| Ok(Value::native(SummaryValue(vec![])))),
    ("tf.summary.merge(inputs, collections=None, name=None)", |_, _, given| {
        let parts = given.value("inputs").as_items().unwrap_or_default();
        let all = parts.iter().filter_map(Value::as_native::<SummaryValue>).flat_map(|part| part.0.clone());
        Ok(Value::native(SummaryValue(all.collect())))
    }),
    ("tf.summary.merge_all(key=None, scope=None)", |_, _, _| Ok(Value::native(SummaryValue(vec![])))),
    ("tf.summary.FileWriter(logdir=None, graph=None, *args, **kwargs)", |_, _, _| {
        Ok(Value::native(Inert("FileWriter")))
    }),
];
