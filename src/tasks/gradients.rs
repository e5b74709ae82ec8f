//! The gradients that a network file's own code computes, against finite differences: the batch, the targets, and the
//! network in double precision.

use crate::{
    error::{Error, Kind, Result},
    frontend::{NetworkFile, Purpose, Ready},
    nn::{Activity, CheckedGradients, LabelHook, check_gradients, noise},
    torch::Generator,
    train::Targets,
};

/// Samples of the batch that is tried.
const BATCH: i64 = 2;

/// Compares the gradients of the file's modules and criterion; `sample` is the shape of one sample, channels first.
///
/// # Errors
/// When the shape is not known, or the network refuses a batch of it in double precision.
pub(super) fn gradients(loaded: &NetworkFile, sample: Option<&[i64]>) -> Result<Vec<CheckedGradients>> {
    let Some(sample) = sample else {
        return Err(Error::new(Kind::Usage, "gradients cannot be compared: the shape of a sample is not known")
            .with_help("give it: --input-shape 1x28x28, or --dataset DIR"));
    };
    let ready = loaded.lower(Purpose::Training, tch::Kind::Double, tch::Device::Cpu)?;
    let Ready { network, label_hook, .. } = ready;
    let made = matches!(label_hook, Some(LabelHook::Code(_) | LabelHook::Input));
    let mut hook = Targets::new(label_hook);
    // The same numbers in every check: what it finds once it finds again.
    let mut random = Generator::new(2);
    let mut targets = |input: &Activity, output: &Activity| {
        let mut found = Vec::new();
        if let (Ok(input), Some(classes)) = (input.tensor(), class_numbers(output)) {
            found.extend(hook.of(input, &classes).ok().map(|(_, target)| target));
        }
        if !made {
            // Without a hook the labels are the database's: numbers of classes, or values of the output's shape.
            found.extend(output.map(&mut |tensor| noise(&mut random, &tensor.size())).ok());
            found.push(input.share());
        }
        found
    };
    check_gradients(&network, &[&[BATCH], sample].concat(), &mut targets)
}

/// A class for each sample, counted from 1, `[n]`.
fn class_numbers(output: &Activity) -> Option<tch::Tensor> {
    let first = *output.tensors().first()?;
    let (samples, classes) = (*first.size().first()?, *first.size().get(1).unwrap_or(&1));
    let numbers: Vec<f64> = (0..samples).map(|sample| (sample % classes.max(1) + 1) as f64).collect();
    tch::Tensor::f_from_slice(&numbers).ok()
}
