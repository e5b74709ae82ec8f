//! `Board`: what a training shows in TensorBoard: its curves, the weights at each snapshot, images and reconstructions, the
//! network's text. It writes into the job's folder `tensorboard/`.

use super::{
    assemble::Run,
    observer::Observer,
    views::{Drawn, What},
};
use crate::{
    error::{Result, shell_path},
    inspect::{picture::Picture, values::values},
    job::{Event, EventKind, JobDir, Stamp, file},
    nn::Activity,
    tensorboard::{EventFile, Histogram, Shown},
    train::{Evaluated, Position, Snapshot},
};

/// Images of a validation batch that are shown, at most.
const IMAGES: usize = 4;

/// The event file of a training.
pub(super) struct Board {
    events: EventFile,
    subtracted: Option<Vec<f32>>,
    /// Whether the images that go in have been shown.
    has_inputs: bool,
}

impl Board {
    /// Opens the file of a run that goes on after `iteration` steps, and writes the network into it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn begin(job: &JobDir, run: &Run, iteration: u64, observer: &mut dyn Observer) -> Result<Board> {
        let folder = job.path().join(file::TENSORBOARD);
        // What belongs to the step of a snapshot was written before it.
        let first = if iteration == 0 { 0 } else { iteration + 1 };
        let mut events = EventFile::begin(&folder, first)?;
        let texts = vec![
            ("network/printed".to_string(), Shown::Text(run.printed.clone())),
            ("network/file".into(), Shown::Text(job.view().network()?)),
        ];
        events.add(Stamp::now().unix(), iteration, texts)?;
        observer.line(&format!("look at it with: tensorboard --logdir {}", shell_path(&folder)));
        Ok(Board { events, subtracted: run.subtracted.clone(), has_inputs: false })
    }

    /// The numbers of a line of `metrics.jsonl`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn event(&mut self, event: &Event) -> Result<()> {
        let kind = match event.event {
            EventKind::Train => "train",
            EventKind::Validation => "validation",
            EventKind::Epoch => "train_epoch",
            _ => return Ok(()),
        };
        let mut points = vec![(format!("loss/{kind}"), event.loss), (format!("accuracy/{kind}"), event.accuracy)];
        points.push((format!("accuracy_top5/{kind}"), event.accuracy_top5));
        if event.event == EventKind::Train {
            points.push(("learning_rate".into(), event.lr));
            points.push(("images_per_second".into(), event.images_per_second));
        }
        points.extend(event.scalars.iter().map(|(name, value)| (format!("{name}/{kind}"), Some(*value))));
        let shown = points.into_iter().filter_map(|(tag, value)| Some((tag, Shown::Scalar(value?)))).collect();
        self.events.add(event.time, event.iteration, shown)
    }

    /// The first images of a validation as they are, once, and what an autoencoder makes of them.
    ///
    /// # Errors
    /// When libtorch or the disk refuses.
    pub(super) fn evaluated(&mut self, position: &Position, batch: &Evaluated<'_>) -> Result<()> {
        let mut shown = Vec::new();
        if !self.has_inputs {
            self.add_images("input", batch.input, &mut shown)?;
            self.has_inputs = true;
        }
        if let (Activity::Tensor(target), Activity::Tensor(output)) = (batch.target, batch.output)
            && target.numel() == batch.input.numel()
            && output.numel() == batch.input.numel()
            && target.f_reshape(batch.input.size())?.f_equal(batch.input)?
        {
            self.add_images("reconstruction", &output.f_reshape(batch.input.size())?, &mut shown)?;
        }
        self.events.add(Stamp::now().unix(), position.iteration, shown)
    }

    /// The first images of a batch `[n, c, h, w]`, with what was subtracted added back.
    fn add_images(&self, name: &str, batch: &tch::Tensor, shown: &mut Vec<(String, Shown)>) -> Result<()> {
        let size = batch.size();
        let Some((count, sample)) = size.split_first() else { return Ok(()) };
        for index in 0..(*count).min(IMAGES as i64) {
            let mut pixels = values(&batch.f_select(0, index)?)?;
            if let Some(subtracted) = self.subtracted.as_ref().filter(|subtracted| subtracted.len() == pixels.len()) {
                pixels.iter_mut().zip(subtracted).for_each(|(pixel, mean)| *pixel += mean);
            }
            let Some(picture) = Picture::image(sample, &pixels, 0.0, 255.0) else { return Ok(()) };
            let (width, height, png) = (picture.width, picture.height, picture.png()?);
            shown.push((format!("{name}/{index}"), Shown::Image { width, height, png }));
        }
        Ok(())
    }

    /// What the network file wants to be seen, under the tags that TensorFlow gives it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn viewed(&mut self, position: &Position, drawn: &[Drawn]) -> Result<()> {
        let mut shown = Vec::new();
        for Drawn { name, what } in drawn {
            match what {
                What::Images { pictures, most } => {
                    for (index, picture) in pictures.iter().enumerate() {
                        let tag = if *most == 1 { format!("{name}/image") } else { format!("{name}/image/{index}") };
                        let (width, height, png) = (picture.width, picture.height, picture.png()?);
                        shown.push((tag, Shown::Image { width, height, png }));
                    }
                }
                What::Spread(values) => {
                    let histogram = Histogram::of(values);
                    shown.extend(histogram.map(|histogram| (name.clone(), Shown::Histogram(histogram))));
                }
            }
        }
        self.events.add(Stamp::now().unix(), position.iteration, shown)
    }

    /// How the weights of a snapshot are spread.
    ///
    /// # Errors
    /// When libtorch or the disk refuses.
    pub(super) fn snapshot(&mut self, position: &Position, state: &Snapshot) -> Result<()> {
        let mut shown = Vec::new();
        for (name, tensor) in &state.weights {
            let histogram = Histogram::of(&values(tensor)?);
            shown.extend(histogram.map(|histogram| (format!("weights/{name}"), Shown::Histogram(histogram))));
        }
        self.events.add(Stamp::now().unix(), position.iteration, shown)
    }
}
