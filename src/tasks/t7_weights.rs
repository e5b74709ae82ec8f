//! Weights out of Torch7's `.t7` files: a saved `nn` model (DIGITS' `_Model.t7`) or its flat parameter vector
//! (`_Weights.t7`), read without running anything that the file carries.

use std::path::Path;

use crate::{
    error::{Error, Kind, Result},
    nn::Network,
    torch::t7::{Document, Value},
};

/// What modules keep between two passes and do not learn.
const PASSING: [&str; 9] =
    ["output", "gradInput", "finput", "fgradInput", "noise", "indices", "buffer", "addBuffer", "columns"];

/// Deeper trees than this are cycles.
const DEEPEST: usize = 200;

/// The tensors of the file by path and field, `3.weight`; of a flat vector one tensor without a name.
///
/// # Errors
/// When the file cannot be read, or holds neither.
pub(super) fn read(path: &Path) -> Result<Vec<(String, tch::Tensor)>> {
    let file = Document::open(path)?;
    let root = file.root();
    if let Some(tensor) = file.tensor(root) {
        return Ok(vec![(String::new(), tensor.view().contiguous().reshape([-1]))]);
    }
    // DIGITS' trainer and others keep the network in a field of a table.
    let root = match file.class(root) {
        Some(_) => root,
        None => file.field(root, "model").unwrap_or(root),
    };
    let class = file.class(root).filter(|class| file.field(root, "modules").is_some() || class.contains('.'));
    let mut found = Vec::new();
    if class.is_some() {
        gather(&file, root, "", 0, &mut found)?;
    }
    if found.is_empty() {
        let what = class.unwrap_or_else(|| "no object of a class".into());
        return Err(Error::new(Kind::Job, format!("{} holds no network", path.display()))
            .with_fact("it holds", what)
            .with_help("give a file that torch.save(name, network) wrote"));
    }
    Ok(found)
}

fn gather(
    file: &Document,
    object: &Value,
    path: &str,
    depth: usize,
    found: &mut Vec<(String, tch::Tensor)>,
) -> Result<()> {
    if depth > DEEPEST {
        return Err(Error::new(Kind::Data, "the network in this file contains itself"));
    }
    let below = |step: &str| if path.is_empty() { step.to_string() } else { format!("{path}.{step}") };
    // DIGITS wrapped the network in copies, one a GPU: the first stands for all, and the wrapper leaves no name.
    let copies = file.class(object).is_some_and(|class| class == "nn.DataParallelTable");
    for (key, value) in file.entries(object) {
        let Value::Text(name) = key else { continue };
        let name = String::from_utf8_lossy(name);
        if copies && name != "modules" {
            continue;
        }
        if name == "modules" {
            for (i, child) in file.list(value).iter().enumerate().take(if copies { 1 } else { usize::MAX }) {
                let path = if copies { path.to_string() } else { below(&(i + 1).to_string()) };
                gather(file, child, &path, depth + 1, found)?;
            }
        } else if let Some(tensor) = file.tensor(value) {
            let passing = name.starts_with("grad") || name.starts_with('_') || PASSING.contains(&&*name);
            if !passing && tensor.numel() > 0 {
                found.push((below(&name), tensor.view().f_contiguous()?));
            }
        } else if file.class(value).is_some_and(|class| class.starts_with("nn.") || class.starts_with("cudnn.")) {
            gather(file, value, &below(&name), depth + 1, found)?;
        }
    }
    Ok(())
}

/// A flat parameter vector cut into the parameters of `network`.
///
/// # Errors
/// When it has another length.
pub(super) fn split(flat: &tch::Tensor, network: &Network) -> Result<Vec<(String, tch::Tensor)>> {
    let all = network.parameters.flat.view();
    if flat.numel() != all.numel() {
        return Err(Error::new(Kind::Job, "the vector of weights does not fit the network")
            .with_fact("it has", flat.numel().to_string())
            .with_fact("the network learns", all.numel().to_string()));
    }
    let width = all.kind().elt_size_in_bytes();
    let start = all.data_ptr() as usize;
    network
        .parameters
        .list
        .iter()
        .map(|parameter| {
            let at = ((parameter.leaf.data_ptr() as usize - start) / width) as i64;
            let part = flat.f_narrow(0, at, parameter.size.iter().product())?;
            Ok((parameter.name.clone(), part.f_reshape(&parameter.size)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::{
        Loaded, NetworkParams, Source,
        lua::{load, vm::VmOptions},
    };

    const NETWORK: &str = "local net = nn.Sequential():add(nn.View(4)):add(nn.Linear(4, 3)):add(nn.Sequential():add(\
                           nn.BatchNormalization(3)))\n\
                           net:get(2).accGradParameters = function() end\n\
                           return { model = net, loss = nn.MSECriterion() }";

    fn loaded() -> Loaded {
        load(Source::pasted("net.lua", NETWORK), &NetworkParams::default(), VmOptions::default(), 5).unwrap()
    }

    #[test]
    fn a_saved_model_gives_back_every_weight_in_both_encodings() {
        let loaded = loaded();
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for ascii in [false, true] {
            let path = folder.path().join("net.t7");
            std::fs::write(&path, loaded.t7(ascii).unwrap()).unwrap();
            let mut read = read(&path).unwrap();
            read.sort_by(|a, b| a.0.cmp(&b.0));
            let mut own = network.parameters.named();
            own.sort_by(|a, b| a.0.cmp(b.0));
            let names: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, own.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            assert!(read.iter().zip(&own).all(|((_, a), (_, b))| a.allclose(b, 1e-6, 1e-7, false)), "ascii: {ascii}");
        }
    }

    /// Recipe: `tests/golden/t7/recipe.py`, which knows nothing of this crate.
    #[test]
    fn a_snapshot_that_digits_took_on_two_gpus_fits_the_network_of_its_file() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/t7/snapshot_1_Model.t7");
        let text = "local net = nn.Sequential():add(nn.MulConstant(0.5)):add(nn.SpatialConvolution(1, 2, 2, 2))\n\
                    net:add(nn.SpatialConvolution(2, 3, 2, 2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(3, 2))\n\
                    return { model = net, loss = nn.MSECriterion() }";
        let source = Source::pasted("net.lua", text);
        let loaded = load(source, &NetworkParams::default(), VmOptions::default(), 5).unwrap();
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let transfer = crate::train::Transfer::into(&network, &read(&path).unwrap()).unwrap();
        let told = transfer.summary(&network).unwrap();
        assert!(told.ends_with("45 numbers loaded, 0 tensors new, 0 skipped"), "{told}");
        // The file's numbers are eighths in the order of getParameters.
        let flat = Vec::<f32>::try_from(network.parameters.flat.view().copy()).unwrap();
        assert_eq!(flat, (1..=45).map(|i| i as f32 / 8.0).collect::<Vec<_>>());
    }

    #[test]
    fn a_flat_vector_is_cut_in_the_order_of_get_parameters() {
        let network = loaded().lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let flat = network.parameters.flat.view().copy();
        for (name, part) in split(&flat, &network).unwrap() {
            let own = network.parameters.list.iter().find(|p| p.name == name).unwrap();
            assert_eq!(part, own.leaf.detach(), "{name}");
        }
        assert_eq!(split(&flat.narrow(0, 0, 3), &network).unwrap_err().kind(), Kind::Job);
    }
}
