//! `EventFile`: one file of a run's events, which TensorBoard may read while it grows.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prost::Message as _;

use super::{
    framing,
    histogram::Histogram,
    proto::{
        Event, SessionLog, Summary, SummaryMetadata, TensorProto, TensorShapeProto,
        event::What,
        session_log::Status,
        summary::{self, Value},
        summary_metadata::PluginData,
        tensor_proto::DataType,
        tensor_shape_proto::Dim,
    },
};
use crate::error::{Error, Result};

/// What the first record of a file says.
const VERSION: &str = "brain.Event:2";

/// A value that TensorBoard shows under its tag.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// A point of a curve.
    Scalar(f64),
    /// A layer of a histogram over time.
    Histogram(Histogram),
    /// A picture.
    Image {
        /// Pixels across.
        width: usize,
        /// Rows.
        height: usize,
        /// A PNG file, RGB.
        png: Vec<u8>,
    },
    /// Lines that are shown as they stand.
    Text(String),
}

/// Appends events to a file; each is whole as soon as it is written.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// A new file in `folder`, which is made. What earlier files of this folder say of `step` and later ones counts no
    /// longer: a run that goes on makes these steps again.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn begin(folder: &Path, step: u64) -> Result<EventFile> {
        std::fs::create_dir_all(folder).map_err(|source| Error::io("make the folder", folder, &source))?;
        // Readers take the files of a folder in the order of their names.
        let now = now();
        let path = (0..)
            .map(|more| now + Duration::from_micros(more))
            .map(|at| format!("events.out.tfevents.{:010}.{:06}.digits-rs", at.as_secs(), at.subsec_micros()))
            .map(|name| folder.join(name))
            .find(|path| !path.exists())
            .unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|source| Error::io("write", &path, &source))?;
        let mut events = EventFile { path, file };
        let time = now.as_secs_f64();
        events.write(time, 0, What::FileVersion(VERSION.into()))?;
        events.write(time, step, What::SessionLog(SessionLog { status: Status::Start.into() }))?;
        Ok(events)
    }

    /// Appends values of one step, each with its tag, such as `loss/train`; `time` is in seconds since 1970.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, time: f64, step: u64, values: Vec<(String, Shown)>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let value = values.into_iter().map(|(tag, shown)| value(tag, shown)).collect();
        self.write(time, step, What::Summary(Summary { value }))
    }

    fn write(&mut self, wall_time: f64, step: u64, what: What) -> Result<()> {
        let event = Event { wall_time, step: step.cast_signed(), what: Some(what) };
        let record = framing::record(&event.encode_to_vec());
        self.file.write_all(&record).map_err(|source| Error::io("write", &self.path, &source))
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn value(tag: String, shown: Shown) -> Value {
    let (value, plugin) = match shown {
        Shown::Scalar(number) => (summary::value::Value::SimpleValue(number as f32), None),
        Shown::Histogram(histogram) => (summary::value::Value::Histo(histogram.into_proto()), None),
        Shown::Image { width, height, png } => {
            let (width, height) = (i32::try_from(width).unwrap_or(0), i32::try_from(height).unwrap_or(0));
            let image = summary::Image { height, width, colorspace: 3, encoded_image_string: png };
            (summary::value::Value::Image(image), None)
        }
        Shown::Text(text) => {
            // TensorBoard takes texts for Markdown: four blanks make a line one of code.
            let code: String = text.lines().map(|line| format!("    {line}\n")).collect();
            let shape = TensorShapeProto { dim: vec![Dim { size: 1 }] };
            let tensor = TensorProto {
                dtype: DataType::String.into(),
                tensor_shape: Some(shape),
                string_val: vec![code.into_bytes()],
            };
            (summary::value::Value::Tensor(tensor), Some("text"))
        }
    };
    let metadata =
        plugin.map(|name| SummaryMetadata { plugin_data: Some(PluginData { plugin_name: name.to_string() }) });
    Value { tag, metadata, value: Some(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a file.
    fn read(path: &Path) -> Vec<Event> {
        let bytes = std::fs::read(path).unwrap();
        let (mut events, mut rest) = (Vec::new(), &bytes[..]);
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            events.push(Event::decode(&rest[12..12 + length]).unwrap());
            rest = &rest[16 + length..];
        }
        events
    }

    #[test]
    fn files_of_one_folder_follow_each_other_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = EventFile::begin(folder.path(), 0).unwrap();
        first.add(1.5, 7, vec![("loss/train".into(), Shown::Scalar(0.25))]).unwrap();
        let second = EventFile::begin(folder.path(), 8).unwrap();
        assert!(first.path < second.path, "{:?} {:?}", first.path, second.path);
        let events = read(&first.path);
        assert_eq!(events[0].what, Some(What::FileVersion(VERSION.into())));
        assert_eq!((events[1].step, events[2].step, events[2].wall_time), (0, 7, 1.5));
        let Some(What::Summary(summary)) = &events[2].what else { panic!("{events:?}") };
        assert_eq!(summary.value[0].value, Some(summary::value::Value::SimpleValue(0.25)));
        assert_eq!(read(&second.path)[1].step, 8);
    }

    #[test]
    fn a_text_is_code() {
        let value = value("network".into(), Shown::Text("a\n  b".into()));
        let Some(summary::value::Value::Tensor(tensor)) = value.value else { panic!() };
        assert_eq!(tensor.string_val, [b"    a\n      b\n".to_vec()]);
        assert_eq!(value.metadata.unwrap().plugin_data.unwrap().plugin_name, "text");
    }
}
