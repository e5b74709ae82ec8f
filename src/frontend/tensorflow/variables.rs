//! Variables: `get_variable` with scopes, reuse, initializers, regularizers and collections.

use super::{
    ops,
    state::{Graph, Initializer, Regularizer, Reuse, Symbol, Variable},
};
use crate::{
    error::{Error, Kind, Result},
    nn::dataflow::{DType, Dims, Linear, Meta, Pointwise, Reduce, Unary},
    torch::memory,
};

/// Names of TensorFlow's collections.
pub const REGULARIZATION_LOSSES: &str = "regularization_losses";

/// What `get_variable` is called with.
#[derive(Clone)]
pub struct VariableRequest<'a> {
    /// Name in the open scope.
    pub name: &'a str,
    /// Sizes; may be left out with an initial value, or for a variable that exists.
    pub dims: Option<Vec<i64>>,
    /// Element type.
    pub dtype: DType,
    /// How it starts.
    pub initializer: Option<Initializer>,
    /// Its penalty.
    pub regularizer: Option<Regularizer>,
    /// Whether gradients change it.
    pub trainable: bool,
}

impl VariableRequest<'_> {
    /// A trainable variable of floats with everything else as the scope says.
    #[must_use]
    pub fn new<'a>(name: &'a str, dims: &[i64]) -> VariableRequest<'a> {
        VariableRequest {
            name,
            dims: Some(dims.to_vec()),
            dtype: DType::Float32,
            initializer: None,
            regularizer: None,
            trainable: true,
        }
    }
}

impl Regularizer {
    /// The penalty on `weights`; `None` when there is none.
    ///
    /// # Errors
    /// Those of a user's function.
    pub fn penalty(&self, graph: &Graph, weights: Symbol) -> Result<Option<Symbol>> {
        Ok(match self {
            Regularizer::L1(scale) if *scale == 0.0 => None,
            Regularizer::L2(scale) if *scale == 0.0 => None,
            Regularizer::L1(scale) => {
                let _scope = graph.name_scope("l1_regularizer");
                let sizes = graph.add(Pointwise::Unary(Unary::Abs), &[weights], None)?;
                let sum = ops::reduce(graph, Reduce::Sum, sizes, None, false, None)?;
                Some(ops::scaled(graph, sum, *scale)?)
            }
            Regularizer::L2(scale) => {
                let _scope = graph.name_scope("l2_regularizer");
                let sum = graph.add(Linear::L2Loss, &[weights], None)?;
                Some(ops::scaled(graph, sum, *scale)?)
            }
            Regularizer::L1L2(l1, l2) => {
                let both =
                    [Regularizer::L1(*l1).penalty(graph, weights)?, Regularizer::L2(*l2).penalty(graph, weights)?];
                let both: Vec<Symbol> = both.into_iter().flatten().collect();
                if both.is_empty() { None } else { Some(graph.add(Pointwise::AddN, &both, None)?) }
            }
            Regularizer::Function(function) => function(weights)?,
        })
    }
}

impl Graph {
    /// `tf.get_variable`: the variable of this name in the open scope, made when it may be.
    ///
    /// # Errors
    /// `Kind::Argument` by TensorFlow's rules of reuse, `Kind::Shape` when the one that exists has other sizes.
    pub fn get_variable(&self, request: &VariableRequest<'_>) -> Result<Symbol> {
        let scope = self.variable_scope();
        let name = if scope.name().is_empty() {
            request.name.to_string()
        } else {
            format!("{}/{}", scope.name(), request.name)
        };
        let known = self.with(|state| {
            let found = state.shared.get(&name).map(|&index| &state.variables[index]);
            found.map(|variable| (variable.read, variable.dims.clone(), variable.origin.clone(), variable.dtype))
        });
        match (known, scope.reuse()) {
            (Some((read, dims, _, dtype)), Reuse::Reuse | Reuse::Auto) => {
                if request.dims.as_ref().is_some_and(|wanted| *wanted != dims) || dtype != request.dtype {
                    let wanted = request.dims.clone().unwrap_or_default();
                    return Err(self.placed(
                        Error::new(Kind::Shape, format!("the variable {name} exists with another type or other sizes"))
                            .with_fact("it is", format!("{dtype} {dims:?}"))
                            .with_fact("asked for", format!("{} {wanted:?}", request.dtype)),
                    ));
                }
                Ok(read)
            }
            (Some((_, _, origin, _)), Reuse::Create) => {
                let mut error = Error::new(Kind::Argument, format!("variable {name} already exists"));
                if let Some(origin) = origin {
                    error = error.with_fact("it was made at", format!("{origin}  {}", origin.text.trim()));
                }
                Err(self.placed(error.with_help(
                    "give this layer another scope name, or share on purpose: tf.variable_scope(…, reuse=True)",
                )))
            }
            (None, Reuse::Reuse) => Err(self.missing(&name)),
            (None, _) => self.create(request, &name),
        }
    }

    /// The page of a variable that a scope may only find.
    fn missing(&self, name: &str) -> Error {
        let tower = self.current_name_scope();
        let later = [("val/", "validation"), ("inf/", "inference")].into_iter();
        let later = later.filter(|(scope, _)| tower.starts_with(scope)).map(|(_, stage)| stage).next();
        // As TensorFlow words it.
        let message = format!(
            "variable {name} does not exist, or was not created with tf.get_variable(). Did you mean to set reuse=None in \
             VarScope?"
        );
        let page = self.placed(Error::new(Kind::Argument, message));
        match later {
            Some(stage) => page
                .with_fact("this tower is for", format!("{stage}: it has the variables of the training tower"))
                .with_help(
                    "make the same layers whatever self.is_training says: only what has no variables, such as dropout, may \
                     differ",
                ),
            None => page.with_help("the open scope only reuses variables: make it where reuse is not True yet"),
        }
    }

    fn create(&self, request: &VariableRequest<'_>, name: &str) -> Result<Symbol> {
        let scope = self.variable_scope();
        let initializer = request
            .initializer
            .clone()
            .or_else(|| scope.initializer())
            .unwrap_or_else(|| Initializer::default_for(request.dtype));
        let dims = match (&request.dims, &initializer) {
            (Some(dims), _) => dims.clone(),
            (None, Initializer::Value(symbol)) => self
                .dims(*symbol)
                .all()
                .ok_or_else(|| self.placed(Error::new(Kind::Shape, "the sizes of an initial value are not known")))?,
            (None, _) => {
                return Err(self.placed(
                    Error::new(Kind::Argument, format!("the shape of a new variable ({name}) must be given"))
                        .with_help("tf.get_variable(name, shape=[…])"),
                ));
            }
        };
        let symbol = self.variable(name, &dims, request.dtype, &initializer, request.trainable, true)?;
        let regularizer = request.regularizer.clone().or_else(|| scope.regularizer());
        if let Some(regularizer) = regularizer.filter(|_| request.trainable) {
            let _scope = self.name_scope(&format!("{name}/Regularizer/"));
            if let Some(loss) = regularizer.penalty(self, symbol)? {
                self.add_to_collection(REGULARIZATION_LOSSES, loss);
            }
        }
        Ok(symbol)
    }

    /// `tf.Variable(value)`: never shared, its name made unique in the open scope of names.
    ///
    /// # Errors
    /// When the value cannot be computed now.
    pub fn plain_variable(&self, name: &str, value: Symbol, trainable: bool) -> Result<Symbol> {
        let full = self.with_mut(|state| state.scopes.names.unique(name));
        let meta = self.meta(value);
        let first = self.evaluate(value)?;
        self.variable(&full, &first.size(), meta.dtype, &Initializer::Value(value), trainable, false)
    }

    fn variable(
        &self,
        name: &str,
        dims: &[i64],
        dtype: DType,
        initializer: &Initializer,
        trainable: bool,
        is_shared: bool,
    ) -> Result<Symbol> {
        if let Some(wrong) = dims.iter().find(|&&dim| dim < 0) {
            return Err(self.placed(
                Error::new(Kind::Shape, format!("a variable cannot have a size of {wrong}"))
                    .with_fact("it has sizes", format!("{dims:?}")),
            ));
        }
        let count = dims.iter().try_fold(1i64, |n, &dim| n.checked_mul(dim)).unwrap_or(i64::MAX);
        let together = self.with(|state| state.learned.saturating_add(count));
        memory::check(together, 12, "a variable beside the others").map_err(|error| self.placed(error))?;
        let initial = initializer.draw(self, dims, dtype)?;
        let index = self.with(|state| state.variables.len());
        let read = self.read(index, name, Meta::new(dtype, Dims::known(dims)))?;
        let origin = self.origin();
        let trainable = trainable && dtype.is_float();
        let (name, dims) = (name.to_string(), dims.to_vec());
        self.with_mut(|state| {
            state.learned = together;
            state.named.entry(name.clone()).or_insert(index);
            if is_shared {
                state.shared.insert(name.clone(), index);
            }
            state.variables.push(Variable { name, dims, dtype, trainable, initial, read, origin, is_shared });
        });
        Ok(read)
    }

    /// Gives a variable another first value; no variable of that name is none.
    ///
    /// # Errors
    /// `Kind::Shape` when it has other sizes.
    pub fn set_initial(&self, name: &str, value: &tch::Tensor) -> Result<()> {
        self.with_mut(|state| {
            let Some(variable) = state.named.get(name).map(|&index| &mut state.variables[index]) else { return Ok(()) };
            if variable.dims != value.size() {
                return Err(Error::new(Kind::Shape, format!("the variable {name} has other sizes"))
                    .with_fact("it has", format!("{:?}", variable.dims))
                    .with_fact("the value has", format!("{:?}", value.size())));
            }
            variable.initial = value.f_detach()?.f_to_device(tch::Device::Cpu)?.f_to_kind(variable.initial.kind())?;
            Ok(())
        })
    }

    /// Name and value of each variable, those that gradients change only when `trainable`, in order of creation.
    #[must_use]
    pub fn variables(&self, trainable: bool) -> Vec<(String, Symbol)> {
        self.with(|state| {
            let wanted = state.variables.iter().filter(|variable| variable.trainable || !trainable);
            wanted.map(|variable| (variable.name.clone(), variable.read)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::scopes::Opened, *};

    #[test]
    fn reuse_shares_and_a_second_variable_of_one_name_is_a_page() {
        let graph = Graph::new(1);
        let (scope, guard) = graph.open_variable_scope(&Opened::Named("model"), None).unwrap();
        let request = VariableRequest { regularizer: Some(Regularizer::L2(0.5)), ..VariableRequest::new("w", &[2, 3]) };
        let first = graph.get_variable(&request).unwrap();
        let page = graph.get_variable(&request).unwrap_err().to_string();
        assert!(page.contains("variable model/w already exists"), "{page}");
        scope.reuse_variables();
        assert_eq!(graph.get_variable(&request).unwrap(), first);
        assert!(graph.get_variable(&VariableRequest::new("w", &[3, 2])).unwrap_err().to_string().contains("[2, 3]"));
        assert!(
            graph.get_variable(&VariableRequest::new("v", &[3])).unwrap_err().to_string().contains("does not exist")
        );
        drop(guard);
        // The penalty counts once.
        let losses = graph.collection(REGULARIZATION_LOSSES, None);
        assert_eq!(losses.len(), 1);
        assert_eq!(graph.name(losses[0]), "model/w/Regularizer/l2_regularizer/mul:0");
        assert_eq!(graph.variables(true), [("model/w".to_string(), first)]);
    }

    #[test]
    fn a_plain_variable_takes_its_value_and_a_name_of_its_own() {
        let graph = Graph::new(1);
        let value = graph.constant(vec![1.5], &[2], DType::Float32, None).unwrap();
        let _scope = graph.name_scope("a");
        graph.plain_variable("Variable", value, true).unwrap();
        graph.plain_variable("Variable", value, false).unwrap();
        let names: Vec<String> = graph.variables(false).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a/Variable", "a/Variable_1"]);
        assert_eq!(graph.variables(true).len(), 1);
    }
}
