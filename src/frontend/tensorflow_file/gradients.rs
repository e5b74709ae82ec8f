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
    for (_, variables) in losses {
        let _scope = graph.name_scope("gradients");
        let trained = || graph.variables(true).into_iter().map(|(_, variable)| variable).collect();
        let variables: Vec<Symbol> = variables.clone().unwrap_or_else(trained);
        let mut gradients = Vec::new();
        for &variable in &variables {
            let feed = Feed::Gradient(number);
            number += 1;
            let (dtype, dims) = (graph.dtype(variable), graph.dims(variable));
            gradients.push(graph.placeholder(feed, dtype, dims, "gradient").or_raise()?);
        }
        let pair = |(&gradient, &variable)| Value::tuple(vec![tf.value(gradient), tf.value(variable)]);
        let given = Value::list(gradients.iter().zip(&variables).map(pair).collect());
        let answer = python.call(&method, Arguments::of(vec![given]))?;
        all.push(changes(tf, &answer, &gradients, &variables)?);
    }
    Ok(all)
}

/// The answer of `gradientUpdate`, each variable once.
fn changes(tf: &Rc<Tf>, answer: &Value, gradients: &[Symbol], variables: &[Symbol]) -> Outcome<Vec<GradientChange>> {
    let wrong = |what: &str| {
        Raised::type_error(format!("gradientUpdate gives a list of (gradient, variable): {what}"))
            .with_help("return [(tf.clip_by_norm(g, 1.0), v) for g, v in grad]")
    };
    let items = answer.as_items().ok_or_else(|| wrong(&format!("this is {}", answer.type_name())))?;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for item in &items {
        let pair = item.as_items().unwrap_or_default();
        let [result, variable] = pair.as_slice() else { return Err(wrong("an entry is no pair")) };
        let variable = variable.as_native::<Tensor>().map(|tensor| tensor.symbol);
        let place = variable.and_then(|variable| variables.iter().position(|known| *known == variable));
        let Some(place) = place else { return Err(wrong("the second of a pair is none of the variables given")) };
        if !seen.insert(place) {
            return Err(wrong(&format!("{} is there twice", tf.graph.name(variables[place]))));
        }
        let result = convert::symbol(tf, result, Some(tf.graph.dtype(variables[place])))?;
        found.push(GradientChange { variable: variables[place], gradient: gradients[place], result });
    }
    match (0..variables.len()).find(|place| !seen.contains(place)) {
        Some(place) => Err(wrong(&format!("{} is missing", tf.graph.name(variables[place])))),
        None => Ok(found),
    }
}
