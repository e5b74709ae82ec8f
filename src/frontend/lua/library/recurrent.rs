//! What `cudnn.RNN` and its kin do in Rust: libtorch's recurrent networks over whole sequences, each pass with its own backward.

use mlua::{Function, Lua, Table, Value};

use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{machine::error::raise, tensor},
    torch::{
        Tensor, TensorType,
        backward::{self, Weighted},
    },
};

/// The functions for the prelude.
///
/// `run(options, input, hidden, cell, parameters)` takes `[steps, n, inputs]`, the states before the first step
/// `[layers · directions, n, hidden]` and, for each layer and direction by turns, four parameters: the weights of the input
/// `[gates · hidden, inputs]`, those of the state, and a bias for each, in libtorch's order of gates, which is cuDNN's. It answers
/// the output, the states after the last step (`cell` for an LSTM) and in training a function of their gradients, nil
/// for none, that answers those of the input, of both states, and a table of the parameters'.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let recurrent = lua.create_table()?;
    recurrent.raw_set("run", lua.create_function(run)?)?;
    Ok(recurrent)
}

/// What a network is like beside its parameters.
struct Options {
    mode: String,
    layers: i64,
    is_bidirectional: bool,
    dropout: f64,
    is_training: bool,
}

impl Options {
    fn read(options: &Table) -> mlua::Result<Options> {
        Ok(Options {
            mode: options.raw_get("mode")?,
            layers: options.raw_get("layers")?,
            is_bidirectional: options.raw_get("bidirectional")?,
            dropout: options.raw_get("dropout")?,
            is_training: options.raw_get("train")?,
        })
    }
}

/// One pass: the leaves of its graph, and its ends.
struct Pass {
    tensor_type: TensorType,
    /// The input, the states before the first step (two), then the parameters.
    leaves: Vec<tch::Tensor>,
    /// The output and the states after the last step: one, of an LSTM two.
    ends: Vec<tch::Tensor>,
}

fn run(
    lua: &Lua,
    (options, input, hidden, cell, parameters): (Table, Value, Value, Value, Vec<Value>),
) -> mlua::Result<(Value, Value, Value, Option<Function>)> {
    tensor::pace_collector(lua)?;
    let options = Options::read(&options)?;
    let own = tensor::from_lua(&input).ok_or_else(|| mlua::Error::runtime("a tensor for the input is wanted"))?;
    let tensor_type = own.tensor_type();
    let leaf = |value: &Value| {
        let tensor = tensor::from_lua(value).filter(|tensor| tensor.tensor_type() == tensor_type);
        let tensor = tensor.ok_or_else(|| {
            let page = Error::new(
                Kind::Argument,
                format!("input, states and parameters of one type are wanted, {tensor_type} as the input"),
            );
            raise(page.with_help("convert the network and its input to the same type: net:cuda(), input:cuda()"))
        })?;
        Ok::<_, mlua::Error>(tensor.view().detach().set_requires_grad(options.is_training))
    };
    let leaves = [&input, &hidden, &cell]
        .into_iter()
        .chain(&parameters)
        .map(leaf)
        .collect::<mlua::Result<Vec<tch::Tensor>>>()?;
    if options.dropout > 0.0 && options.is_training {
        // libtorch's own generator draws the masks, from a seed of the machine's.
        let generator = tensor::generator(lua);
        tch::manual_seed(i64::from(generator.borrow_mut().random()));
    }
    let ends = match options.is_training {
        true => tch::with_grad(|| forward(&options, &leaves)),
        false => tch::no_grad(|| forward(&options, &leaves)),
    }
    .map_err(raise)?;
    let mut answers = ends.iter().map(|end| to_lua(lua, tensor_type, end));
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    let (output, hidden, cell) = (next()?, next()?, next()?);
    drop(answers);
    let pass = Pass { tensor_type, leaves, ends };
    let back = options.is_training.then(|| {
        lua.create_function(move |lua, gradients: (Value, Value, Value)| {
            let gradients = [gradients.0, gradients.1, gradients.2];
            let gradients = pass.backward(&gradients.each_ref().map(tensor::from_lua)).map_err(raise)?;
            let gradients = gradients.iter().map(|gradient| to_lua(lua, pass.tensor_type, gradient));
            let mut gradients = gradients.collect::<mlua::Result<Vec<Value>>>()?;
            let parameters = gradients.split_off(3);
            gradients.push(Value::Table(lua.create_sequence_from(parameters)?));
            Ok(mlua::Variadic::from_iter(gradients))
        })
    });
    Ok((output, hidden, cell, back.transpose()?))
}

fn to_lua(lua: &Lua, tensor_type: TensorType, tensor: &tch::Tensor) -> mlua::Result<Value> {
    let tensor = Tensor::from_tch(tensor_type, &tensor.detach()).map_err(raise)?;
    tensor::to_lua(lua, tensor).map(Value::UserData)
}

fn forward(options: &Options, leaves: &[tch::Tensor]) -> Result<Vec<tch::Tensor>> {
    let [input, hidden, cell, parameters @ ..] = leaves else {
        return Err(Error::new(Kind::Argument, "a recurrent network has an input and two states"));
    };
    let (layers, dropout, trains, both) =
        (options.layers, options.dropout, options.is_training, options.is_bidirectional);
    let (output, hidden) = match options.mode.as_str() {
        "CUDNN_LSTM" => {
            let parameters: Vec<&tch::Tensor> = parameters.iter().collect();
            let states = [hidden, cell];
            let (output, hidden, cell) =
                input.f_lstm(&states, &parameters, true, layers, dropout, trains, both, false)?;
            return Ok(vec![output, hidden, cell]);
        }
        "CUDNN_GRU" => input.f_gru(hidden, parameters, true, layers, dropout, trains, both, false)?,
        "CUDNN_RNN_RELU" => input.f_rnn_relu(hidden, parameters, true, layers, dropout, trains, both, false)?,
        "CUDNN_RNN_TANH" => input.f_rnn_tanh(hidden, parameters, true, layers, dropout, trains, both, false)?,
        other => {
            let page = Error::new(Kind::Argument, format!("there is no recurrent network of mode {other}"));
            return Err(page.with_help("mode is CUDNN_LSTM, CUDNN_GRU, CUDNN_RNN_RELU or CUDNN_RNN_TANH"));
        }
    };
    Ok(vec![output, hidden])
}

impl Pass {
    /// The gradients of all leaves for those of the ends, zeros where nothing leads.
    fn backward(&self, gradients: &[Option<Tensor>]) -> Result<Vec<tch::Tensor>> {
        let mut roots = Vec::new();
        for (end, gradient) in self.ends.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let weight = gradient.view().f_detach()?.f_to_kind(end.kind())?;
            if weight.size() != end.size() {
                return Err(Error::new(Kind::Shape, "a gradient has another shape than what it is for")
                    .with_fact("output", format!("{:?}", end.size()))
                    .with_fact("gradient", format!("{:?}", weight.size())));
            }
            roots.push(Weighted { output: end.shallow_clone(), weight: Some(weight) });
        }
        let leaves: Vec<&tch::Tensor> = self.leaves.iter().collect();
        if roots.is_empty() {
            return leaves.into_iter().map(|leaf| Ok(leaf.f_zeros_like()?)).collect();
        }
        // Torch7's scripts may ask twice.
        let found = backward::gradients(&roots, &leaves, true)?.into_iter().zip(&self.leaves);
        found.map(|(gradient, leaf)| gradient.map_or_else(|| Ok(leaf.detach().f_zeros_like()?), Ok)).collect()
    }
}
