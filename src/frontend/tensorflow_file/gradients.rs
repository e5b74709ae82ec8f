//! `UserModel.gradientUpdate`, called once for each loss, as DIGITS' tool calls it while it builds the train stage.

use std::{collections::HashSet, rc::Rc};

use super::{
    bound::OrRaise,
    convert,
    objects::{Tensor, Tf},
};
use crate::frontend::{
    python::{Arguments, Interpreter, Outcome, Raised, Value},
    tensorflow::{Feed, GradientChange, Symbol},
};

/// What the file makes of each loss's gradients; empty where its class has no method `gradientUpdate` of its own.
pub(super) fn updates(
    tf: &Rc<Tf>,
    python: &Interpreter,
    (class, model): (&Value, &Value),
    losses: &[(Symbol, Option<Vec<Symbol>>)],
) -> Outcome<Vec<Vec<GradientChange>>> {
    let Value::Class(class) = class else { return Ok(Vec::new()) };
    // The parent's, which gives gradients back as they are, is native.
    if !matches!(class.find("gradientUpdate"), Some(Value::Function(_))) {
        return Ok(Vec::new());
    }
    let Some(method) = python.find_attribute(model, "gradientUpdate")? else { return Ok(Vec::new()) };
    let graph = &tf.graph;
    let mut number = 0;
    let mut all = Vec::new();
    for (loss, variables) in losses {
        let _scope = graph.name_scope("gradients");
        let taught = graph.taught_by(*loss);
        let trained = || graph.variables(true).into_iter().map(|(_, variable)| variable).collect();
        let variables: Vec<Symbol> = variables.clone().unwrap_or_else(trained);
        let mut gradients = Vec::new();
        for &variable in &variables {
            // As TensorFlow gives it where the loss does not depend on the variable.
            if !taught.contains(&variable) {
                gradients.push(None);
                continue;
            }
            let feed = Feed::Gradient(number);
            number += 1;
            let (dtype, dims) = (graph.dtype(variable), graph.dims(variable));
            gradients.push(Some(graph.placeholder(feed, dtype, dims, "gradient").or_raise()?));
        }
        let gradient = |gradient: Option<Symbol>| gradient.map_or(Value::None, |symbol| tf.value(symbol));
        let pair = |(&of, &variable)| Value::tuple(vec![gradient(of), tf.value(variable)]);
        let given = Value::list(gradients.iter().zip(&variables).map(pair).collect());
        let answer = python.call(&method, Arguments::of(vec![given]))?;
        graph.set_origin(python.returned_from("gradientUpdate"));
        let changes = changes(tf, &answer, &gradients, &variables);
        all.push(changes.map_err(|raised| {
            let raised = raised.with_fact("in scope", graph.current_name_scope().trim_end_matches('/'));
            python.answered("gradientUpdate", raised)
        })?);
    }
    Ok(all)
}

/// The answer of `gradientUpdate`, each variable once at most: those that are not there, or have None for a gradient, stay as
/// they are, as TensorFlow's `apply_gradients` leaves them.
fn changes(
    tf: &Rc<Tf>,
    answer: &Value,
    gradients: &[Option<Symbol>],
    variables: &[Symbol],
) -> Outcome<Vec<GradientChange>> {
    let wrong = |what: &str| {
        Raised::type_error(format!("gradientUpdate gives a list of (gradient, variable): {what}"))
            .with_help("return [(tf.clip_by_norm(g, 1.0), v) for g, v in grad]")
    };
    let items = answer.as_items().ok_or_else(|| wrong(&format!("this is {}", answer.type_name())))?;
    let mut seen = HashSet::new();
    let kept = |(&variable, &gradient)| GradientChange { variable, gradient, result: None };
    let mut found: Vec<GradientChange> = variables.iter().zip(gradients).map(kept).collect();
    for item in &items {
        let pair = item.as_items().unwrap_or_default();
        let [result, variable] = pair.as_slice() else { return Err(wrong("an entry is no pair")) };
        let variable = variable.as_native::<Tensor>().map(|tensor| tensor.symbol);
        let place = variable.and_then(|variable| variables.iter().position(|known| *known == variable));
        let Some(place) = place else { return Err(wrong("the second of a pair is none of the variables given")) };
        if !seen.insert(place) {
            return Err(wrong(&format!("{} is there twice", tf.graph.name(variables[place]))));
        }
        if !result.is_none() {
            found[place].result = Some(convert::symbol(tf, result, Some(tf.graph.dtype(variables[place])))?);
        }
    }
    match found.iter().any(|change| change.result.is_some()) {
        true => Ok(found),
        false => Err(Raised::value_error("No gradients provided for any variable: gradientUpdate leaves none")
            .with_help("return [(tf.clip_by_norm(g, 1.0), v) for g, v in grad]")),
    }
}
