//! `Snapshot`: everything a resume needs, in memory or as one safetensors file.
//!
//! The file holds the weights and buffers by name (`3.weight`), the optimiser's state as `optimizer.<name>`, and in
//! the header's metadata, under the key `digits-rs`, a [`SnapshotNote`] as JSON.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::Path,
};

use safetensors::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};

use super::{engine::Engine, position::Position};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    nn::Network,
};

/// The key of the note in the file's metadata.
const NOTE: &str = "digits-rs";
/// In front of the names of the optimiser's tensors.
const OPTIMIZER: &str = "optimizer.";

/// What a snapshot knows beside its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotNote {
    /// Where the run stood.
    pub position: Position,
    /// The seed of the run.
    pub seed: u64,
    /// Bytes of `metrics.jsonl` at that moment.
    pub metrics_len: u64,
    /// Fingerprint of the dataset.
    pub dataset: String,
    /// Hash of the network file.
    pub network: String,
    /// Program and libtorch that wrote it.
    pub program: String,
}

/// Weights, buffers and optimiser state, copied out of an engine.
#[derive(Debug)]
pub struct Snapshot {
    /// Parameters, then buffers, by name.
    pub weights: Vec<(String, tch::Tensor)>,
    /// The optimiser's tensors by name.
    pub optimizer: Vec<(String, tch::Tensor)>,
}

impl Snapshot {
    /// Copies the state of `engine`.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn capture(engine: &dyn Engine) -> Result<Snapshot> {
        let copy = |tensor: &tch::Tensor| -> Result<tch::Tensor> {
            let mut copy = tensor.f_detach()?.f_empty_like()?;
            copy.f_copy_(&tensor.f_detach()?)?;
            Ok(copy)
        };
        let stored = engine.network().parameters.stored();
        Ok(Snapshot {
            weights: stored.iter().map(|one| Ok((one.name.to_string(), one.value()?))).collect::<Result<_>>()?,
            optimizer: engine
                .optimizer_state()
                .iter()
                .map(|(n, t)| Ok((n.clone(), copy(t)?)))
                .collect::<Result<_>>()?,
        })
    }

    /// Puts the state back into `engine`.
    ///
    /// # Errors
    /// `Kind::Job` when the network has other parameters than the snapshot.
    pub fn restore(&self, engine: &mut dyn Engine) -> Result<()> {
        self.restore_weights(engine.network())?;
        engine.load_optimizer_state(&self.optimizer)
    }

    /// Puts weights and buffers back into `network`, for a test.
    ///
    /// # Errors
    /// `Kind::Job` when the network has other parameters than the snapshot.
    pub fn restore_weights(&self, network: &Network) -> Result<()> {
        for into in network.parameters.stored() {
            let name = into.name;
            let from = self.weights.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor);
            let fits = from.filter(|from| from.size() == into.size()).ok_or_else(|| {
                let found = from.map_or("nothing of that name".to_string(), |from| format!("{:?}", from.size()));
                Error::new(Kind::Job, format!("the snapshot does not fit the network: {name}"))
                    .with_fact("the network has", format!("{:?}", into.size()))
                    .with_fact("the snapshot has", found)
            })?;
            into.put(fits)?;
        }
        Ok(())
    }

    /// The names of tensors that hold a value which is not finite.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn non_finite(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (name, tensor) in self.weights.iter().filter(|(_, tensor)| tensor.is_floating_point()) {
            if tensor.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
                names.push(name.clone());
            }
        }
        Ok(names)
    }

    /// The file's bytes. The same state gives the same bytes.
    ///
    /// # Errors
    /// When a tensor is of a type that the format lacks.
    pub fn to_bytes(&self, note: &SnapshotNote) -> Result<Vec<u8>> {
        let weights = self.weights.iter().map(|(name, tensor)| Ok((name.clone(), Bytes::of(tensor)?)));
        let state = self.optimizer.iter().map(|(name, tensor)| Ok((format!("{OPTIMIZER}{name}"), Bytes::of(tensor)?)));
        let tensors = weights.chain(state).collect::<Result<Vec<_>>>()?;
        let failed = |cause: String| Error::new(Kind::Job, "the snapshot cannot be written").with_cause(cause);
        let note = serde_json::to_string(note).map_err(|source| failed(source.to_string()))?;
        let header = HashMap::from([(NOTE.to_string(), note)]);
        safetensors::serialize(tensors, Some(header)).map_err(|source| failed(source.to_string()))
    }

    /// The bytes of a file of the weights alone, for other software; `facts` go into its header.
    ///
    /// # Errors
    /// When a tensor is of a type that the format lacks.
    pub fn weights_file(&self, facts: Vec<(String, String)>) -> Result<Vec<u8>> {
        let all = self.weights.iter().map(|(name, tensor)| Ok((name.clone(), Bytes::of(tensor)?)));
        let mut header: HashMap<String, String> = facts.into_iter().collect();
        header.insert("format".into(), "pt".into());
        let sorted: BTreeMap<String, String> = header.clone().into_iter().collect();
        safetensors::serialize(all.collect::<Result<Vec<_>>>()?, Some(header))
            .map(|file| with_sorted_facts(file, &sorted))
            .map_err(|source| Error::new(Kind::Job, "the weights cannot be written").with_cause(source.to_string()))
    }

    /// The weights of any safetensors file: a snapshot, an export, or what another program wrote. The state of an
    /// optimiser is left out.
    ///
    /// # Errors
    /// `Kind::Io` when it cannot be read, `Kind::Job` when it is no safetensors file or damaged.
    pub fn read_weights(path: &Path) -> Result<Vec<(String, tch::Tensor)>> {
        let bytes = input::read(path, Form::Weights)?;
        let damaged = |cause: String| {
            Error::new(Kind::Job, format!("{} is not a file of weights, or damaged", path.display()))
                .with_cause(cause)
                .with_help("give a .safetensors or a .t7 file, or a job folder")
        };
        Ok(tensors(&bytes, &damaged)?.weights)
    }

    /// Reads a file that `to_bytes` made; tensors come in the order of their names.
    ///
    /// # Errors
    /// `Kind::Io` when it cannot be read, `Kind::Job` when it is not a snapshot or damaged.
    pub fn read(path: &Path) -> Result<(Snapshot, SnapshotNote)> {
        let bytes = input::read(path, Form::Weights)?;
        with_note(&bytes, &|cause: String| {
            Error::new(Kind::Job, format!("{} is not a snapshot of digits-rs, or damaged", path.display()))
                .with_cause(cause)
                .with_help("use another snapshot of the job; they lie in its folder snapshots/")
        })
    }

    /// As [`Snapshot::read`], of bytes that another process sent.
    ///
    /// # Errors
    /// `Kind::Lost` when they are damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Snapshot, SnapshotNote)> {
        with_note(bytes, &|cause: String| Error::new(Kind::Lost, "the state did not arrive whole").with_cause(cause))
    }
}

fn with_note(bytes: &[u8], damaged: &dyn Fn(String) -> Error) -> Result<(Snapshot, SnapshotNote)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
    let note = header.metadata().as_ref().and_then(|entries| entries.get(NOTE));
    let note = note.ok_or_else(|| damaged(format!("its header has no entry '{NOTE}'")))?;
    let note = serde_json::from_str(note).map_err(|e| damaged(e.to_string()))?;
    Ok((tensors(bytes, damaged)?, note))
}

/// Everything in a file; names that begin with [`OPTIMIZER`] are the optimiser's.
fn tensors(bytes: &[u8], damaged: &dyn Fn(String) -> Error) -> Result<Snapshot> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
    let mut snapshot = Snapshot { weights: Vec::new(), optimizer: Vec::new() };
    // The library gives them in the order of a hash map, another one at every read.
    let mut entries = file.tensors();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, view) in entries {
        let kind = kind(view.dtype()).ok_or_else(|| damaged(format!("{name} has type {:?}", view.dtype())))?;
        let size: Vec<i64> = view.shape().iter().map(|&extent| extent as i64).collect();
        let tensor = tch::Tensor::f_from_data_size(view.data(), &size, kind)?;
        match name.strip_prefix(OPTIMIZER) {
            Some(name) => snapshot.optimizer.push((name.to_string(), tensor)),
            None => snapshot.weights.push((name.to_string(), tensor)),
        }
    }
    Ok(snapshot)
}

/// The same facts give the same bytes: the crate writes them in the order of a hash map.
fn with_sorted_facts(mut file: Vec<u8>, facts: &BTreeMap<String, String>) -> Vec<u8> {
    const LENGTH: usize = 8;
    const FIRST: &[u8] = br#"{"__metadata__":"#;
    let sorted = serde_json::to_vec(facts).expect("texts have a JSON form");
    let start = LENGTH + FIRST.len();
    if file[LENGTH..].starts_with(FIRST)
        && let Some(place) = file.get_mut(start..start + sorted.len())
    {
        place.copy_from_slice(&sorted);
    }
    file
}

/// A tensor's bytes on the processor, in order.
struct Bytes {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Bytes {
    fn of(tensor: &tch::Tensor) -> Result<Bytes> {
        let dtype =
            DTYPES.iter().find(|(_, known)| *known == tensor.kind()).map(|(dtype, _)| *dtype).ok_or_else(|| {
                Error::new(Kind::Job, format!("a tensor of type {:?} cannot be kept in a snapshot", tensor.kind()))
            })?;
        let tensor = tensor.f_detach()?.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        Ok(Bytes { dtype, shape: tensor.size().iter().map(|&extent| extent as usize).collect(), bytes })
    }
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

const DTYPES: [(Dtype, tch::Kind); 9] = [
    (Dtype::F32, tch::Kind::Float),
    (Dtype::F64, tch::Kind::Double),
    (Dtype::F16, tch::Kind::Half),
    (Dtype::I64, tch::Kind::Int64),
    (Dtype::I32, tch::Kind::Int),
    (Dtype::I16, tch::Kind::Int16),
    (Dtype::I8, tch::Kind::Int8),
    (Dtype::U8, tch::Kind::Uint8),
    (Dtype::BOOL, tch::Kind::Bool),
];

fn kind(dtype: Dtype) -> Option<tch::Kind> {
    DTYPES.iter().find(|(known, _)| *known == dtype).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> SnapshotNote {
        SnapshotNote {
            position: Position { iteration: 7, next_snapshot: 0.1 + 0.2, ..Position::default() },
            seed: u64::MAX,
            metrics_len: 12,
            dataset: "d".into(),
            network: "n".into(),
            program: "p".into(),
        }
    }

    #[test]
    fn exports_of_the_same_facts_are_the_same_bytes() {
        let weights = vec![("1.weight".into(), tch::Tensor::from_slice(&[1f32, 2.0]))];
        let snapshot = Snapshot { weights, optimizer: Vec::new() };
        let facts = || (0..20).map(|i| (format!("fact {i}"), format!("\"{i}\" é"))).collect();
        let file = snapshot.weights_file(facts()).unwrap();
        assert!((0..10).all(|_| snapshot.weights_file(facts()).unwrap() == file));
        let (_, header) = SafeTensors::read_metadata(&file).unwrap();
        let known = header.metadata().as_ref().unwrap();
        assert_eq!((known.len(), known["fact 7"].as_str(), known["format"].as_str()), (21, "\"7\" é", "pt"));
    }

    #[test]
    fn a_file_gives_back_every_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.safetensors");
        let snapshot = Snapshot {
            weights: vec![
                ("1.weight".into(), tch::Tensor::randn([3, 2], (tch::Kind::Float, tch::Device::Cpu))),
                ("1.running_mean".into(), tch::Tensor::randn([3], (tch::Kind::Double, tch::Device::Cpu))),
            ],
            optimizer: vec![("momentum".into(), tch::Tensor::from_slice(&[1i64, -2]))],
        };
        let bytes = snapshot.to_bytes(&note()).unwrap();
        assert_eq!(bytes, snapshot.to_bytes(&note()).unwrap());
        std::fs::write(&path, &bytes).unwrap();
        let (read, read_note) = Snapshot::read(&path).unwrap();
        assert_eq!(read_note, note());
        assert_eq!(read.to_bytes(&note()).unwrap(), bytes);
        assert_eq!(read.optimizer[0].0, "momentum");
    }

    #[test]
    fn a_cut_file_is_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.safetensors");
        let snapshot = Snapshot {
            weights: vec![("w".into(), tch::Tensor::zeros([100], (tch::Kind::Float, tch::Device::Cpu)))],
            optimizer: vec![],
        };
        let bytes = snapshot.to_bytes(&note()).unwrap();
        for len in [0, 7, 20, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..len]).unwrap();
            assert_eq!(Snapshot::read(&path).unwrap_err().kind(), Kind::Job);
        }
    }

    #[test]
    fn names_what_is_not_finite() {
        let snapshot = Snapshot {
            weights: vec![
                ("a".into(), tch::Tensor::from_slice(&[1f32, 2.])),
                ("b".into(), tch::Tensor::from_slice(&[1f32, f32::NAN])),
            ],
            optimizer: vec![],
        };
        assert_eq!(snapshot.non_finite().unwrap(), ["b"]);
    }
}
