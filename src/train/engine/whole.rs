//! `Whole`: the outputs and targets of all ranks together, for a criterion whose loss the parts alone do not give.
//!
//! Each rank gets the batch that one process would have; only its own samples are in its graph, so that the sum of the ranks'
//! gradients is the gradient of the batch.

use serde::{Deserialize, Serialize};

use crate::{
    distributed::Group,
    error::{Error, Kind, Result},
    nn::Activity,
    train::ranks::BatchPart,
};

/// What a rank has of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Described {
    /// It has an error.
    Failed,
    /// It has no samples.
    Nothing,
    Made {
        count: u64,
        output: Form,
        target: Form,
    },
}

/// The types of numbers that outputs and targets have, by their place here, and Torch's names of them.
const KINDS: [(tch::Kind, &str); 8] = [
    (tch::Kind::Float, "FloatTensor"),
    (tch::Kind::Double, "DoubleTensor"),
    (tch::Kind::Int64, "LongTensor"),
    (tch::Kind::Int, "IntTensor"),
    (tch::Kind::Int16, "ShortTensor"),
    (tch::Kind::Int8, "CharTensor"),
    (tch::Kind::Uint8, "ByteTensor"),
    (tch::Kind::Half, "HalfTensor"),
];

/// The form of an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    Tensor { kind: usize, size: Vec<i64> },
    Table(Vec<Form>),
}

impl Form {
    fn of(activity: &Activity) -> Form {
        match activity {
            Activity::Tensor(tensor) => {
                let kind = KINDS.iter().position(|(kind, _)| *kind == tensor.kind()).unwrap_or(usize::MAX);
                Form::Tensor { kind, size: tensor.size() }
            }
            Activity::Table(entries) => Form::Table(entries.iter().map(Form::of).collect()),
        }
    }

    /// The form of one sample in a batch of `count`: `rows` of the first extent are a sample's.
    fn of_sample(&self, count: i64) -> Option<Form> {
        match self {
            Form::Tensor { kind, size } => {
                let (first, rest) = size.split_first()?;
                let rows = (first % count == 0).then_some(first / count)?;
                Some(Form::Tensor { kind: *kind, size: [&[rows], rest].concat() })
            }
            Form::Table(entries) => {
                entries.iter().map(|entry| entry.of_sample(count)).collect::<Option<Vec<_>>>().map(Form::Table)
            }
        }
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Form::Tensor { kind, size } => {
                let name = KINDS.get(*kind).map_or("tensor of another type", |(_, name)| name);
                write!(f, "{name} {size:?}")
            }
            Form::Table(entries) => {
                f.write_str("{")?;
                for (i, entry) in entries.iter().enumerate() {
                    write!(f, "{}{entry}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Output and target of the whole batch; `own` is this rank's, or nothing where it has no samples. `device` is where the
/// network is.
///
/// # Errors
/// The error of whichever rank has one, for all of them; `Kind::Shape` when the ranks' outputs or targets do not make one batch.
pub(super) fn whole(
    group: &Group,
    part: BatchPart,
    own: Result<Option<(Activity, Activity)>>,
    device: tch::Device,
) -> Result<(Activity, Activity)> {
    let described = match &own {
        Err(error) if error.kind() == Kind::Lost => return Err(error.clone()),
        Err(_) => Described::Failed,
        Ok(None) => Described::Nothing,
        Ok(Some((output, target))) => {
            Described::Made { count: part.count, output: Form::of(output), target: Form::of(target) }
        }
    };
    let all = group.gather(&serde_json::to_vec(&described).unwrap_or_default())?;
    let all: Vec<Described> =
        all.iter().map(|bytes| serde_json::from_slice(bytes).unwrap_or(Described::Failed)).collect();
    if all.iter().any(|one| matches!(one, Described::Failed)) {
        group.together(own)?;
        return Err(Error::new(Kind::Lost, "a rank could not say what it has"));
    }
    let own = own?;
    let (output, target) = of_sample(&all)?;
    let (own_output, own_target) = own.unzip();
    let counts = all.iter().map(|one| if let Described::Made { count, .. } = one { *count } else { 0 });
    let place = Place { group, part, before: counts.take(group.rank()).sum(), device };
    Ok((place.joined(&output, own_output.as_ref())?, place.joined(&target, own_target.as_ref())?))
}

/// The forms of a sample's output and target, which must be the same on all ranks.
fn of_sample(all: &[Described]) -> Result<(Form, Form)> {
    let mut known: Option<(Form, Form)> = None;
    for (rank, one) in all.iter().enumerate() {
        let Described::Made { count, output, target } = one else { continue };
        let count = *count as i64;
        let page = |what: &str, form: &Form| {
            Error::new(Kind::Shape, format!("the {what} of rank {rank} is no part of the others' batch"))
                .with_fact(format!("rank {rank} has"), form.to_string())
                .with_fact("of", format!("{count} samples"))
                .with_help(
                    "labelHook and network must make the same of every sample: the first size is the number of samples,\n\
                     or a multiple of it, and the other sizes and the type do not depend on it",
                )
        };
        let output = output.of_sample(count).ok_or_else(|| page("output", output))?;
        let target = target.of_sample(count).ok_or_else(|| page("target", target))?;
        match &known {
            None => known = Some((output, target)),
            Some((of_output, _)) if *of_output != output => {
                return Err(page("output", &output).with_fact("the others have", of_output.to_string()));
            }
            Some((_, of_target)) if *of_target != target => {
                return Err(page("target", &target).with_fact("the others have", of_target.to_string()));
            }
            Some(_) => {}
        }
    }
    known.ok_or_else(|| Error::new(Kind::Data, "a batch without a sample"))
}

/// Where a rank's samples lie in the batch.
struct Place<'a> {
    group: &'a Group,
    part: BatchPart,
    /// Samples of the ranks below.
    before: u64,
    device: tch::Device,
}

impl Place<'_> {
    fn joined(&self, form: &Form, own: Option<&Activity>) -> Result<Activity> {
        match form {
            Form::Table(entries) => {
                let own_entries = own.map(Activity::table).transpose()?;
                let joined = entries
                    .iter()
                    .enumerate()
                    .map(|(i, entry)| self.joined(entry, own_entries.and_then(|entries| entries.get(i))));
                Ok(Activity::Table(joined.collect::<Result<_>>()?))
            }
            Form::Tensor { kind, size } => {
                let own = own.map(Activity::tensor).transpose()?;
                let (kind, _) = *KINDS.get(*kind).ok_or_else(|| {
                    Error::new(
                        Kind::Shape,
                        "the output or the target has numbers of a type that is not brought together",
                    )
                })?;
                let (rows, rest) = size.split_first().map_or((1, &[][..]), |(rows, rest)| (*rows, rest));
                let total = rows * self.part.total as i64;
                let (start, end) = (rows * self.before as i64, rows * (self.before + self.part.count) as i64);
                let all = tch::Tensor::f_zeros([&[total], rest].concat(), (kind, self.device))?;
                if let Some(own) = own {
                    all.f_narrow(0, start, end - start)?.f_copy_(&own.f_detach()?)?;
                }
                self.group.sum(&all)?;
                let Some(own) = own.filter(|own| own.requires_grad()) else { return Ok(all.into()) };
                let parts = [all.f_narrow(0, 0, start)?, own.shallow_clone(), all.f_narrow(0, end, total - end)?];
                Ok(tch::Tensor::f_cat(&parts, 0)?.into())
            }
        }
    }
}
