//! Learning rate policies: the rate as a pure function of the iteration, as DIGITS' Torch trainer computes it.
//!
//! Source: DIGITS `tools/torch/LRPolicy.lua`. It never reached Adam and RMSProp there (they kept the first rate for
//! ever); here it does.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// A base rate and the policy that changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The rate at the start, b below.
    pub base: f64,
    /// How it changes.
    #[serde(flatten)]
    pub policy: Policy,
}

/// The policies. t is the iteration from 0, T the number of iterations of the whole run; steps are percentages of T,
/// s = round(T · p / 100) and at least 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case")]
pub enum Policy {
    /// b
    Fixed,
    /// b · gamma^⌊t / s₁⌋
    Step {
        /// Factor of each step.
        gamma: f64,
        /// One percentage.
        steps: Vec<f64>,
    },
    /// b · gamma^k, k the number of steps passed; two steps at one iteration count at two iterations.
    Multistep {
        /// Factor of each step.
        gamma: f64,
        /// Rising percentages.
        steps: Vec<f64>,
    },
    /// b · gamma^(100·t/T)
    Exp {
        /// Factor per percent.
        gamma: f64,
    },
    /// b · (1 + gamma·100·t/T)^(−power)
    Inv {
        /// Slope per percent.
        gamma: f64,
        /// Exponent.
        power: f64,
    },
    /// b · (1 − t/T)^power
    Poly {
        /// Exponent.
        power: f64,
    },
    /// b / (1 + exp(gamma · (100·t/T − 100·s₁/T)))
    Sigmoid {
        /// Steepness per percent.
        gamma: f64,
        /// One percentage, where the rate is half.
        steps: Vec<f64>,
    },
    /// b / (1 + t · decay)
    TorchSgd {
        /// Decay per iteration.
        decay: f64,
    },
}

/// The settings that a command line may give beside a policy's name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicySettings {
    /// `--lr-gamma`
    pub gamma: Option<f64>,
    /// `--lr-power`
    pub power: Option<f64>,
    /// `--lr-steps`, percentages.
    pub steps: Vec<f64>,
    /// `--lr-decay` of `torch_sgd`; DIGITS' default is 1e-6.
    pub decay: Option<f64>,
}

impl Policy {
    /// The policies' names.
    pub const NAMES: [&'static str; 8] = ["fixed", "step", "multistep", "exp", "inv", "poly", "sigmoid", "torch_sgd"];

    /// The policy with this name.
    ///
    /// # Errors
    /// When there is none, or a setting it needs was not given or is out of range.
    pub fn named(name: &str, settings: &PolicySettings) -> Result<Policy> {
        let lacks = |what: &str| {
            Error::new(Kind::Usage, format!("learning rate policy '{name}' needs {what}"))
                .with_help("see `digits-rs run --help` for the settings of each policy")
        };
        let gamma = || settings.gamma.ok_or_else(|| lacks("a gamma"));
        let power = || settings.power.ok_or_else(|| lacks("a power"));
        let steps = || {
            if settings.steps.is_empty() {
                return Err(lacks("a step, in percent of all iterations"));
            }
            match settings.steps.iter().find(|step| !step.is_finite() || **step < 0.0) {
                Some(step) => Err(Error::new(Kind::Usage, format!("a learning rate step is {step} percent"))
                    .with_help("steps are percentages of all iterations, such as 50,85")),
                None => Ok(settings.steps.clone()),
            }
        };
        Ok(match name {
            "fixed" => Policy::Fixed,
            "step" => Policy::Step { gamma: gamma()?, steps: steps()? },
            "multistep" => Policy::Multistep { gamma: gamma()?, steps: steps()? },
            "exp" => Policy::Exp { gamma: gamma()? },
            "inv" => Policy::Inv { gamma: gamma()?, power: power()? },
            "poly" => Policy::Poly { power: power()? },
            "sigmoid" => Policy::Sigmoid { gamma: gamma()?, steps: steps()? },
            "torch_sgd" => Policy::TorchSgd { decay: settings.decay.unwrap_or(1e-6) },
            _ => {
                return Err(Error::new(Kind::Usage, format!("there is no learning rate policy '{name}'"))
                    .with_help(format!("choose one of {}", Policy::NAMES.join(", "))));
            }
        })
    }
}

impl Schedule {
    /// The rate of iteration `t` (from 0) in a run of `total` iterations.
    #[must_use]
    pub fn rate(&self, t: u64, total: u64) -> f64 {
        let total = total.max(1);
        let percent = |t: u64| 100.0 * t as f64 / total as f64;
        let base = self.base;
        match &self.policy {
            // A run shorter than its list of steps drops at every iteration, as in DIGITS.
            Policy::Step { gamma, steps } | Policy::Multistep { gamma, steps } | Policy::Sigmoid { gamma, steps }
                if total < steps.len() as u64 =>
            {
                base * gamma.powf(t as f64)
            }
            Policy::Fixed => base,
            Policy::Step { gamma, steps } => base * gamma.powf((t / first(steps, total)) as f64),
            Policy::Multistep { gamma, steps } => base * gamma.powi(passed(steps, t, total)),
            Policy::Exp { gamma } => base * gamma.powf(percent(t)),
            Policy::Inv { gamma, power } => base * (1.0 + gamma * percent(t)).powf(-power),
            Policy::Poly { power } => base * (1.0 - t as f64 / total as f64).powf(*power),
            Policy::Sigmoid { gamma, steps } => {
                base / (1.0 + (gamma * (percent(t) - percent(first(steps, total)))).exp())
            }
            Policy::TorchSgd { decay } => base / (1.0 + t as f64 * decay),
        }
    }
}

fn iteration(percent: f64, total: u64) -> u64 {
    ((total as f64 * percent / 100.0).round() as u64).max(1)
}

fn first(steps: &[f64], total: u64) -> u64 {
    steps.first().map_or(1, |&percent| iteration(percent, total))
}

/// DIGITS passes one step an iteration: the i-th at the later of its own place and one after the step before it.
fn passed(steps: &[f64], t: u64, total: u64) -> i32 {
    let (mut count, mut earliest) = (0, 0);
    for &percent in steps {
        let at = iteration(percent, total).max(earliest);
        if t < at {
            break;
        }
        count += 1;
        earliest = at + 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_follows_the_reference_over_whole_runs() {
        let text = include_str!("../../tests/golden/optim/schedules.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let runs = golden["runs"].as_array().unwrap();
        assert!(runs.len() >= 12, "{} runs", runs.len());
        for run in runs {
            let schedule: Schedule = serde_json::from_value(run["schedule"].clone()).unwrap();
            let rates = run["rates"].as_array().unwrap();
            for (t, wanted) in rates.iter().enumerate() {
                let (got, wanted) = (schedule.rate(t as u64, rates.len() as u64), wanted.as_f64().unwrap());
                assert!((got - wanted).abs() <= 1e-13 * wanted.abs(), "{schedule:?} at {t}: {got}, not {wanted}");
            }
        }
    }

    #[test]
    fn a_policy_says_what_it_lacks() {
        let error = Policy::named("step", &PolicySettings { gamma: Some(0.1), ..Default::default() }).unwrap_err();
        assert_eq!(error.message(), "learning rate policy 'step' needs a step, in percent of all iterations");
        let error = Policy::named("cosine", &PolicySettings::default()).unwrap_err();
        assert!(error.to_string().contains("fixed, step, multistep"));
        for name in Policy::NAMES {
            let all = PolicySettings { gamma: Some(0.5), power: Some(2.0), steps: vec![50.0], decay: None };
            assert!(Policy::named(name, &all).is_ok(), "{name}");
        }
    }

    #[test]
    fn digits_defaults_drop_at_a_third_of_the_run() {
        let schedule = Schedule { base: 0.01, policy: Policy::Step { gamma: 0.1, steps: vec![33.0] } };
        assert_eq!(schedule.rate(6969, 21_120), 0.01);
        assert!((schedule.rate(6970, 21_120) - 0.001).abs() < 1e-18);
    }
}
