//! `Row`: a function of the tensor API declared once; the method and the `torch.…` function are made from it.

use std::rc::Rc;

use mlua::{IntoLua, Lua, MultiValue, Table, Value};

use super::{
    call::{Answer, Call, Start},
    classes,
    form::{Arg, Form, word},
    generator::LuaGenerator,
    handle::{from_lua, to_lua},
    memory::{LARGE, measure, measure_time, pace_collector},
    refusal::{checked, refuse},
};
use crate::{
    frontend::lua::machine::{error::contained, limits},
    torch::{Element, Storage, Tensor, TensorType},
};

/// Which tensors may come before the arguments to take the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Results {
    /// None.
    None,
    /// `[res]`, the same for methods: `t:sum(1)`, `res:sum(t, 1)`.
    One,
    /// As `One`, and a method's object is the result and stands for a missing first argument: `t:add(1)`.
    Own,
    /// A method's object is always the result: `t:normal()`; there may be no `torch.…` function at all.
    Object,
    /// `[values, indices]`.
    Indexed,
    /// `[values, pivots]`, the pivots an `IntTensor`.
    Pivoted,
    /// `[res]`, a `ByteTensor` or of the operands' type.
    Test,
    /// Up to this many result tensors of the function's type.
    Many(usize),
}

type Run = Rc<dyn Fn(&Call) -> mlua::Result<Answer>>;

/// The same in the memory of the result; false, and nothing done, where it cannot.
type Change = Rc<dyn Fn(&Call, &Start) -> mlua::Result<bool>>;

/// One function.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) name: &'static str,
    results: Results,
    forms: Rc<[Form]>,
    run: Run,
    change: Option<Change>,
    as_method: bool,
    as_function: bool,
    of_indices: bool,
    cost: Cost,
    seconds: Option<Seconds>,
}

/// Seconds of a fast machine that a call takes.
type Seconds = Rc<dyn Fn(&Call) -> f64>;

/// What a call looks at and makes at the very least, asked before it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cost {
    /// It looks at each element of its largest argument, and its result may have as many.
    Elements,
    /// It looks at each, and makes nothing large.
    InPlace,
    /// It looks at sizes, not at elements.
    Nothing,
}

impl Row {
    /// A method and a `torch.…` function.
    pub(super) fn new(
        name: &'static str,
        results: Results,
        forms: &[&str],
        run: impl Fn(&Call) -> mlua::Result<Answer> + 'static,
    ) -> Row {
        Row {
            name,
            results,
            forms: forms.iter().map(|form| Form::new(form)).collect(),
            run: Rc::new(run),
            change: None,
            as_method: true,
            as_function: true,
            of_indices: false,
            cost: Cost::Elements,
            seconds: None,
        }
    }

    /// It looks at sizes, not at elements: views cost nothing however much they stand for.
    pub(super) fn of_sizes(self) -> Row {
        Row { cost: Cost::Nothing, ..self }
    }

    /// It changes elements where they are, and makes nothing large.
    pub(super) fn in_place(self) -> Row {
        Row { cost: Cost::InPlace, ..self }
    }

    /// How it is done in a result tensor that was handed in: nothing is made and copied then.
    pub(super) fn changing(self, change: impl Fn(&Call, &Start) -> mlua::Result<bool> + 'static) -> Row {
        Row { change: Some(Rc::new(change)), ..self }
    }

    /// It takes at least this many seconds on a fast machine.
    pub(super) fn costs(self, seconds: impl Fn(&Call) -> f64 + 'static) -> Row {
        Row { seconds: Some(Rc::new(seconds)), ..self }
    }

    /// The result is a `LongTensor` of indices, whatever the type of the arguments.
    pub(super) fn of_indices(self) -> Row {
        Row { of_indices: true, ..self }
    }

    /// Only a method.
    pub(super) fn method(self) -> Row {
        Row { as_function: false, ..self }
    }

    /// Only a `torch.…` function.
    pub(super) fn function(self) -> Row {
        Row { as_method: false, ..self }
    }

    /// A row that tries one more form when none of its own fits, with a function of its own.
    pub(super) fn or(self, form: &str, run: impl Fn(&Call) -> mlua::Result<Answer> + 'static) -> Row {
        let (own, others) = (self.run.clone(), self.forms.len());
        let forms = self.forms.iter().cloned().chain([Form::new(form)]).collect();
        let run: Run = Rc::new(move |call| if call.form < others { own(call) } else { run(call) });
        let change = self.change.map(|change| -> Change {
            Rc::new(move |call, start| if call.form < others { change(call, start) } else { Ok(false) })
        });
        Row { forms, run, change, ..self }
    }

    fn call(&self, lua: &Lua, args: MultiValue, method: bool) -> mlua::Result<MultiValue> {
        pace_collector(lua)?;
        limits::look(lua)?;
        let mut values: Vec<Value> = args.into_iter().collect();
        // Counted as Lua does it: a method's object is no argument.
        let nil = values.iter().position(Value::is_nil).map(|at| at + usize::from(!method));
        while values.last().is_some_and(Value::is_nil) {
            values.pop();
        }
        let is_generator = |value: &Value| value.as_userdata().is_some_and(mlua::AnyUserData::is::<LuaGenerator>);
        let generator = values.iter().position(is_generator).map(|at| values.remove(at));
        let named = if method { None } else { values.last().and_then(Value::as_string).and_then(named_type) };
        if named.is_some() {
            values.pop();
        }
        let default = named.unwrap_or_else(|| classes::default_type(lua));
        let (form, tensor_type, results, args) =
            self.matched(&values, method, default).ok_or_else(|| self.mismatch(&values, default, nil, method))?;
        let call = Call { lua, tensor_type, form, results, generator, args };
        self.measure(&call)?;
        contained(|| match &self.change {
            Some(change) if call.changed(|start| change(&call, start))? => finish(&call, Answer::Same),
            _ => finish(&call, (self.run)(&call)?),
        })
    }

    /// Refuses a call that cannot end in time, or whose result cannot fit.
    fn measure(&self, call: &Call) -> mlua::Result<()> {
        if let Some(seconds) = &self.seconds {
            limits::afford(call.lua, seconds(call), self.name)?;
        }
        let largest = call.largest();
        match self.cost {
            Cost::Nothing => Ok(()),
            Cost::InPlace if largest >= LARGE => measure_time(call.lua, largest, self.name),
            Cost::InPlace => Ok(()),
            Cost::Elements => measure(call.lua, call.tensor_type, largest, self.name),
        }
    }

    /// Tries every form with every permitted number of leading results.
    #[expect(clippy::type_complexity, reason = "the parts of a `Call`, taken apart at once")]
    fn matched(
        &self,
        values: &[Value],
        method: bool,
        default: TensorType,
    ) -> Option<(usize, TensorType, Vec<(Tensor, Value)>, Vec<Arg>)> {
        let object = |value: &Value| from_lua(value).map(|tensor| (tensor, value.clone()));
        if matches!(self.results, Results::Object) || (method && self.results == Results::Own) {
            let own = object(values.first()?)?;
            let own_type = own.0.tensor_type();
            for (number, form) in self.forms.iter().enumerate() {
                if self.results == Results::Own
                    && let Some(short) = form.without_source()
                    && let Some(rest) = short.matched(&values[1..], &mut Some(own_type))
                {
                    let mut args = vec![Arg::Tensor(own.0.clone(), own.1.clone())];
                    args.extend(rest);
                    return Some((number, own_type, vec![own], args));
                }
            }
            for (number, form) in self.forms.iter().enumerate() {
                if let Some(args) = form.matched(&values[1..], &mut Some(own_type)) {
                    return Some((number, own_type, vec![own], args));
                }
            }
            return None;
        }
        let most = match self.results {
            Results::None | Results::Object => 0,
            Results::One | Results::Own | Results::Test => 1,
            Results::Indexed | Results::Pivoted => 2,
            Results::Many(count) => count,
        };
        for leading in 0..=most.min(values.len()) {
            let Some(results) = values[..leading].iter().map(object).collect::<Option<Vec<_>>>() else { break };
            for (number, form) in self.forms.iter().enumerate() {
                let mut found = None;
                if let Some(args) = form.matched(&values[leading..], &mut found) {
                    let tensor_type = found.or(results.first().map(|r| r.0.tensor_type())).unwrap_or(default);
                    if results.iter().enumerate().all(|(at, result)| self.takes(at, &result.0, tensor_type)) {
                        return Some((number, tensor_type, results, args));
                    }
                }
            }
        }
        None
    }

    fn takes(&self, at: usize, result: &Tensor, tensor_type: TensorType) -> bool {
        let found = result.tensor_type();
        match (self.results, at) {
            (Results::Indexed, 1) => found.element == Element::Long,
            (Results::Pivoted, 1) => found.element == Element::Int,
            (Results::Test, _) => found == tensor_type || found.element == Element::Byte,
            _ => found == tensor_type || self.of_indices && found.element == Element::Long,
        }
    }

    /// `invalid arguments: …` with every form that would have fitted; where an argument is nil, its number.
    fn mismatch(&self, values: &[Value], default: TensorType, nil: Option<usize>, method: bool) -> mlua::Error {
        let tensor_type = values.iter().find_map(from_lua).map_or(default, |tensor| tensor.tensor_type());
        let given: Vec<String> = values.iter().map(word).collect();
        let given = if given.is_empty() { "no arguments".to_string() } else { given.join(" ") };
        let lead = match self.results {
            Results::None => String::new(),
            Results::Object => "*Tensor* ".to_string(),
            Results::Indexed => "[*Tensor*] [*LongTensor*] ".to_string(),
            Results::Pivoted => "[*Tensor*] [*IntTensor*] ".to_string(),
            _ => format!("[*{}*] ", tensor_type.tensor_name().replace("torch.", "")),
        };
        let forms: Vec<String> =
            self.forms.iter().map(|form| format!("{lead}{}", form.described(tensor_type))).collect();
        let words = format!("invalid arguments: {given}\nexpected arguments: {}", forms.join(" | "));
        match nil {
            Some(number) => {
                let of = if method { "" } else { "torch." };
                refuse(format!("#{number} to {of}{} is nil: {words}", self.name))
            }
            None => refuse(words),
        }
    }
}

fn named_type(name: &mlua::LuaString) -> Option<TensorType> {
    TensorType::named(&name.to_string_lossy())
}

/// Puts an answer into the results that were handed in, or into new tensors.
fn finish(call: &Call, answer: Answer) -> mlua::Result<MultiValue> {
    let lua = call.lua;
    let into = |at: usize, tensor_type: TensorType, elements: &tch::Tensor| match call.results.get(at) {
        Some((result, value)) => {
            checked(store(result, elements))?;
            Ok(value.clone())
        }
        None => {
            let fresh = if shares_an_argument(call, elements) {
                checked(elements.f_detach_copy())?
            } else {
                elements.shallow_clone()
            };
            to_lua(lua, checked(keeping_order(tensor_type, &fresh))?)?.into_lua(lua)
        }
    };
    // LAPACK's matrices lie in columns, also those that were handed in contiguous.
    let into_columns = |at: usize, tensor_type: TensorType, elements: &tch::Tensor| {
        if let (Some((result, _)), &[rows, columns]) = (call.results.get(at), elements.size().as_slice()) {
            checked(result.resize(&[rows, columns]))?;
            if result.is_contiguous() && !elements.is_contiguous() {
                checked(result.set(result.storage(), result.offset(), &[rows, columns], &[1, rows]))?;
            }
        }
        into(at, tensor_type, elements)
    };
    Ok(match answer {
        Answer::Tensor(elements) => MultiValue::from_vec(vec![into(0, call.tensor_type, &elements)?]),
        Answer::Several(all) => all
            .iter()
            .enumerate()
            .map(|(at, one)| into_columns(at, call.tensor_type, one))
            .collect::<mlua::Result<_>>()?,
        Answer::Indexed(values, indices) => {
            let long = TensorType { element: Element::Long, ..call.tensor_type };
            let indices = checked(indices.f_add_scalar(1))?;
            let values = into(0, call.tensor_type, &values)?;
            MultiValue::from_vec(vec![values, into(1, long, &indices)?])
        }
        Answer::Pivoted(values, pivots) => {
            let int = TensorType { element: Element::Int, ..call.tensor_type };
            let pivots = checked(checked(pivots.f_add_scalar(1))?.f_to_kind(int.element.kind()))?;
            let values = into_columns(0, call.tensor_type, &values)?;
            MultiValue::from_vec(vec![values, into(1, int, &pivots)?])
        }
        Answer::Number(x) => MultiValue::from_vec(vec![Value::Number(x)]),
        Answer::Flag(flag) => MultiValue::from_vec(vec![Value::Boolean(flag)]),
        Answer::Handle(tensor) => MultiValue::from_vec(vec![to_lua(lua, tensor)?.into_lua(lua)?]),
        Answer::Same => {
            let own = call.results.first().map(|result| result.1.clone()).or_else(|| match call.args.first() {
                Some(Arg::Tensor(_, value)) => Some(value.clone()),
                _ => None,
            });
            MultiValue::from_vec(vec![own.unwrap_or(Value::Nil)])
        }
        Answer::Values(values) => values,
    })
}

/// A handle on a fresh libtorch tensor that keeps its strides: LAPACK's results stay in columns, as in Torch7.
fn keeping_order(tensor_type: TensorType, elements: &tch::Tensor) -> crate::error::Result<Tensor> {
    if elements.dim() == 2 && !elements.is_contiguous() && elements.kind() == tensor_type.element.kind() {
        let columns = elements.f_transpose(0, 1)?;
        if columns.is_contiguous() {
            let size = elements.size();
            return Tensor::on(Storage::from_tch(tensor_type, &columns)?, 0, &size, &[1, size[0]]);
        }
    }
    Tensor::from_tch(tensor_type, elements)
}

/// Writes elements into a result tensor, which takes their shape. Expanded results (several positions on one element)
/// get the last value written to each element, as Torch7's loops leave them.
fn store(result: &Tensor, elements: &tch::Tensor) -> crate::error::Result<()> {
    let size = if elements.dim() == 0 { vec![1] } else { elements.size() };
    if size.contains(&0) {
        return result.set(None, 0, &[], &[]);
    }
    result.resize(&size)?;
    if result.stride().iter().zip(&size).any(|(&stride, &extent)| stride == 0 && extent > 1) {
        let mut source = elements.f_reshape(&size)?;
        for (dim, _) in result.stride().iter().enumerate().filter(|(_, stride)| **stride == 0) {
            source = source.f_narrow(dim as i64, size[dim] - 1, 1)?;
        }
        let flattened: Vec<i64> =
            result.stride().iter().zip(&size).map(|(&stride, &extent)| if stride == 0 { 1 } else { extent }).collect();
        let once = Tensor::empty(result.tensor_type());
        once.set(result.storage(), result.offset(), &flattened, &result.stride())?;
        return once.copy_from(&source);
    }
    result.copy_from(elements)
}

/// Whether these elements lie in memory that an argument holds: libtorch answers views where nothing has to be done.
fn shares_an_argument(call: &Call, elements: &tch::Tensor) -> bool {
    let start = |tensor: &tch::Tensor| tensor.f_as_strided([1], [1], 0).map(|first| first.data_ptr()).ok();
    if elements.numel() == 0 {
        return false;
    }
    let memory = start(elements);
    call.args.iter().any(|arg| match arg {
        Arg::Tensor(tensor, _) => tensor.storage().is_some_and(|storage| start(&storage.flat()) == memory),
        _ => false,
    })
}

/// Makes the methods and the functions of all rows.
pub(super) fn install(lua: &Lua, torch: &Table, rows: &[Row]) -> mlua::Result<()> {
    let classes: Vec<Table> = TensorType::all().map(|tensor_type| classes::of_tensor(lua, tensor_type)).collect();
    for row in rows {
        if row.as_method {
            let this = row.clone();
            let method = lua.create_function(move |lua, args: MultiValue| this.call(lua, args, true))?;
            for class in &classes {
                class.raw_set(row.name, &method)?;
            }
        }
        if row.as_function {
            let this = row.clone();
            torch.raw_set(row.name, lua.create_function(move |lua, args: MultiValue| this.call(lua, args, false))?)?;
        }
    }
    Ok(())
}
