//! `Transfer`: weights of another run put into a network before training, and what became of each of them.
//!
//! Weights are matched by name (`3.weight`) and size. DIGITS replaced the whole model by the loaded one (quirk 15);
//! here the network file stays the truth, so that a changed layer is named instead of silently brought back.

use std::fmt::Write;

use crate::{
    error::{Error, Kind, Result},
    nn::Network,
};

/// What was put into a network.
#[derive(Debug)]
pub struct Transfer {
    /// Name, and the values as they now stand in the network.
    loaded: Vec<(String, tch::Tensor)>,
    /// Name, and why it was not taken.
    skipped: Vec<(String, String)>,
}

impl Transfer {
    /// Copies every tensor of `weights` that has the name and size of one of the network's.
    ///
    /// # Errors
    /// `Kind::Job` when none fits.
    pub fn into(network: &Network, weights: &[(String, tch::Tensor)]) -> Result<Transfer> {
        let mut transfer = Transfer { loaded: Vec::new(), skipped: Vec::new() };
        let own = network.parameters.stored();
        for (name, from) in weights {
            match own.iter().find(|known| known.name == name) {
                Some(into) if into.size() == from.size() => {
                    into.put(from)?;
                    transfer.loaded.push((name.clone(), into.value()?));
                }
                // Torch7's SpatialConvolutionMM kept [out, in, h, w] as [out, in·h·w].
                Some(into)
                    if count(&into.size()) == count(&from.size()) && into.size().first() == from.size().first() =>
                {
                    into.put(&from.f_reshape(into.size())?)?;
                    transfer.loaded.push((name.clone(), into.value()?));
                }
                Some(into) => {
                    let why = format!("the file has {:?}, the network {:?}", from.size(), into.size());
                    transfer.skipped.push((name.clone(), why));
                }
                None => transfer.skipped.push((name.clone(), "the network has nothing of that name".into())),
            }
        }
        if transfer.loaded.is_empty() {
            let mut page = Error::new(Kind::Job, "none of these weights fits the network");
            if let Some((name, why)) = transfer.skipped.first() {
                page = page.with_fact(name.as_str(), why.as_str());
            }
            let first =
                own.first().map_or_else(|| "no parameters".into(), |one| format!("{} {:?}", one.name, one.size()));
            return Err(page.with_fact("the network has", first).with_help(
                "fine-tune with a network file whose first layers are those of the run that made the weights",
            ));
        }
        Ok(transfer)
    }

    /// What became of each tensor, a line each: loaded, new, skipped. `network` is the one that will be trained:
    /// `fineTuneHook` may have moved, replaced or removed layers since, so a loaded tensor is known by its values.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn summary(mut self, network: &Network) -> Result<String> {
        let (mut lines, mut numbers, mut used) = (String::new(), 0, vec![false; self.loaded.len()]);
        let mut fresh = Vec::new();
        let learned: Vec<(&str, bool)> = network.parameters.list.iter().map(|p| (p.name.as_str(), p.learns)).collect();
        for (name, tensor) in
            network.parameters.stored().iter().map(|one| Ok((one.name, one.value()?))).collect::<Result<Vec<_>>>()?
        {
            let frozen = learned.iter().any(|(known, learns)| *known == name && !learns);
            let note = if frozen { "  frozen" } else { "" };
            let mut from = None;
            // The tensor of the same name first: two biases of zeros are equal.
            let order = (0..self.loaded.len()).filter(|&i| self.loaded[i].0 == name);
            for i in order.chain((0..self.loaded.len()).filter(|&i| self.loaded[i].0 != name && !used[i])) {
                if self.loaded[i].1.size() == tensor.size() && self.loaded[i].1.f_equal(&tensor)? {
                    from = Some(i);
                    break;
                }
            }
            let Some(i) = from else {
                fresh.push(format!("  new      {name} {}{note}\n", size(&tensor)));
                continue;
            };
            used[i] = true;
            numbers += tensor.numel();
            let old = &self.loaded[i].0;
            let moved = if old == name { String::new() } else { format!("  was {old}") };
            let _ = writeln!(lines, "  loaded   {name} {}{moved}{note}", size(&tensor));
        }
        for ((name, _), _) in self.loaded.iter().zip(&used).filter(|(_, used)| !**used) {
            self.skipped.push((name.clone(), "fineTuneHook took it out of the network".into()));
        }
        lines.extend(fresh.iter().map(String::as_str));
        for (name, why) in &self.skipped {
            let _ = writeln!(lines, "  skipped  {name}: {why}");
        }
        let _ =
            write!(lines, "  {numbers} numbers loaded, {} tensors new, {} skipped", fresh.len(), self.skipped.len());
        Ok(lines)
    }
}

fn count(size: &[i64]) -> i64 {
    size.iter().product()
}

fn size(tensor: &tch::Tensor) -> String {
    format!("{:?}", tensor.size())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::noisy_engine;

    fn tensor(values: &[f32]) -> tch::Tensor {
        tch::Tensor::from_slice(values)
    }

    #[test]
    fn names_and_sizes_decide_and_every_tensor_is_accounted_for() {
        let engine = noisy_engine(9.0);
        let network = engine.network();
        let weights = [
            ("1.weight".to_string(), tensor(&[7.0, 8.0, 9.0])),
            ("2.weight".to_string(), tensor(&[1.0])),
            ("3.bias".to_string(), tensor(&[1.0])),
        ];
        let text = Transfer::into(network, &weights).unwrap().summary(network).unwrap();
        let wanted = "  loaded   1.weight [3]\n  new      2.weight [3]\n  skipped  2.weight: the file has [1], the network \
                      [3]\n  skipped  3.bias: the network has nothing of that name\n  3 numbers loaded, 1 tensors new, \
                      2 skipped";
        assert_eq!(text, wanted);
        let first = network.parameters.list[0].leaf.detach();
        assert_eq!(Vec::<f32>::try_from(&first).unwrap(), [7.0, 8.0, 9.0]);
    }

    #[test]
    fn nothing_that_fits_is_a_page() {
        let engine = noisy_engine(9.0);
        let page = Transfer::into(engine.network(), &[("9.weight".into(), tensor(&[1.0]))]).unwrap_err().to_string();
        assert!(page.contains("none of these weights") && page.contains("1.weight [3]"), "{page}");
    }
}
