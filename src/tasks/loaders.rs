//! The loaders of a run, and how the training loop sees them.

use std::{rc::Rc, sync::Arc};

use super::{
    loader_source::LoaderSource,
    prepare::OpenedDataset,
    resident::{Resident, is_still},
    settings::RunSettings,
};
use crate::{
    cuda,
    data::{Augment, Borders, DataLoader, LoaderOptions, Order, Part, Preprocess, Records},
    distributed::Place,
    error::Result,
    torch::device::Resolved,
    train::{BatchSource, Finish},
};

/// What becomes of batches at the borders of epochs, in training or in validation.
pub(super) fn borders(settings: &RunSettings, train: bool) -> Borders {
    match (settings.tf_across_epochs, train) {
        (false, _) => Borders::Kept,
        (true, true) => Borders::Crossed { epochs: settings.epochs },
        (true, false) => Borders::Endless,
    }
}

/// Where a run's batches come from.
pub(super) struct Loaders {
    /// Train records, changed at random.
    pub(super) train: Box<dyn BatchSource>,
    /// Validation records, when there are any.
    pub(super) validation: Option<Box<dyn BatchSource>>,
}

/// What happens to a train record on its way to the network.
///
/// # Errors
/// Those of [`Preprocess::new`].
pub(super) fn of_train(settings: &RunSettings, opened: &OpenedDataset) -> Result<Preprocess> {
    preprocess(settings, opened, settings.augment())
}

/// What happens to a validation record.
///
/// # Errors
/// Those of [`Preprocess::new`].
pub(super) fn of_validation(settings: &RunSettings, opened: &OpenedDataset) -> Result<Preprocess> {
    preprocess(settings, opened, Augment::default())
}

fn preprocess(settings: &RunSettings, opened: &OpenedDataset, augment: Augment) -> Result<Preprocess> {
    let dataset = &opened.dataset;
    Preprocess::new(dataset.shape, settings.subtract_mean, dataset.mean.as_ref(), settings.cut(), augment)
}

/// Bytes that are free on a CUDA device, where that can be asked.
fn room_on(device: Resolved) -> Option<u64> {
    match device.device() {
        tch::Device::Cuda(number) => cuda::free_memory(number).ok(),
        _ => None,
    }
}

/// The loaders; train records take the way `of_train`. Of several processes each has a slice of every train batch, and some
/// validation batches.
///
/// # Errors
/// When the data cannot be prepared as the settings want it.
pub(super) fn loaders_for(
    settings: &RunSettings,
    opened: OpenedDataset,
    of_train: Preprocess,
    device: Resolved,
    place: Option<&Place>,
) -> Result<Loaders> {
    let of_validation = of_validation(settings, &opened)?;
    let records = (opened.train()?, opened.dataset.val());
    let names = opened.dataset.labels.len();
    let head_start = opened.head_start.map(Arc::new);
    let source = |records: Arc<Records>, preprocess: Preprocess, train: bool| -> Result<Box<dyn BatchSource>> {
        // Bytes are for a bus; the processor's own loader threads do all of the plan.
        let rest = if device.is_cuda() { preprocess.rest(train, settings.kind(), device.device())? } else { None };
        let finish = rest.map(|rest| Rc::new(move |bytes: &tch::Tensor| rest.of(bytes)) as Finish);
        let options = LoaderOptions {
            batch_size: (if train { settings.step_size() } else { settings.validation_batch_size }) as usize,
            part: place.map_or(Part::Whole, |place| {
                let (rank, of) = (place.rank as u64, place.size as u64);
                if train { Part::Slice { rank, of } } else { Part::Deal { rank, of } }
            }),
            order: if train { settings.shuffle } else { Order::Sequential },
            borders: borders(settings, train),
            seed: settings.seed,
            classification: names > 0,
            named_classes: (names > 0).then_some(names),
            double: settings.double,
            bytes: finish.is_some(),
            memory_budget: settings.memory_budget(),
            cache: head_start.as_deref().and_then(|head_start| head_start.cache(&records)),
            train,
            workers: None,
        };
        // A quarter of what is free, for each split: the network's activations come later. Of several processes each has another
        // part of a batch.
        let room =
            if finish.is_some() && place.is_none() && is_still(&preprocess, train) { room_on(device) } else { None };
        let loader = DataLoader::new(records, preprocess, options)?;
        let source = LoaderSource::new(loader, finish, head_start.clone());
        Ok(match room {
            Some(room) => Box::new(Resident::new(source, device.device(), room / 4)),
            None => Box::new(source),
        })
    };
    Ok(Loaders {
        train: source(records.0, of_train, true)?,
        validation: records.1.map(|records| source(records, of_validation, false)).transpose()?,
    })
}
