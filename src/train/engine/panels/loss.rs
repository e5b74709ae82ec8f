//! The criteria on one panel of the last stage's output: each sample's loss, and the gradient of the output.
#![expect(unsafe_code, reason = "loops over pointers into the buffers; the contract is `Part::run`'s")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

/// One panel of the output and where its gradient goes.
pub(super) struct Output {
    pub(super) features: usize,
    /// Samples in it.
    pub(super) filled: usize,
    /// The output; log-probabilities take the place of scores when they are the network's output.
    pub(super) y: *mut f32,
    /// None in evaluation.
    pub(super) delta: Option<*mut f32>,
    /// Gradient of the loss for each sample: 1/n or 1; MSE: 2/numel or 2.
    pub(super) scale: f32,
    /// Whether a ReLU made the output.
    pub(super) relu: bool,
}

impl Output {
    /// Squared errors.
    ///
    /// # Safety
    /// `target`, `y` and `delta` must be good for sixteen times `features` numbers, and no other thread may use them
    /// meanwhile.
    pub(super) unsafe fn mse(&self, target: *const f32, sums: &mut [f64; 16]) {
        for f in 0..self.features {
            for (c, sum) in sums.iter_mut().enumerate() {
                let at = 16 * f + c;
                let (y, error) = (*self.y.add(at), *self.y.add(at) - *target.add(at));
                if c < self.filled {
                    *sum += f64::from(error) * f64::from(error);
                }
                if let Some(delta) = self.delta {
                    let passes = c < self.filled && !(self.relu && y <= 0.0);
                    *delta.add(at) = if passes { error * self.scale } else { 0.0 };
                }
            }
        }
    }

    /// Log-softmax over the features, and the negative of the label's.
    ///
    /// # Safety
    /// `y` and `delta` must be good for sixteen times `features` numbers, and no other thread may use them meanwhile.
    pub(super) unsafe fn class_nll(&self, output_is_log: bool, labels: &[usize], sums: &mut [f64; 16]) {
        for (c, loss) in sums.iter_mut().enumerate() {
            let at = |f: usize| 16 * f + c;
            let Some(&label) = labels.get(c).filter(|_| c < self.filled) else {
                if let Some(delta) = self.delta {
                    (0..self.features).for_each(|f| *delta.add(at(f)) = 0.0);
                }
                continue;
            };
            let mut most = f32::NEG_INFINITY;
            for f in 0..self.features {
                most = most.max(*self.y.add(at(f)));
            }
            let mut sum = 0.0f32;
            for f in 0..self.features {
                sum += (*self.y.add(at(f)) - most).exp();
            }
            let norm = sum.ln();
            *loss = -f64::from(*self.y.add(at(label)) - most - norm);
            for f in 0..self.features {
                let log = *self.y.add(at(f)) - most - norm;
                if let Some(delta) = self.delta {
                    let y = *self.y.add(at(f));
                    let g = (log.exp() - if f == label { 1.0 } else { 0.0 }) * self.scale;
                    *delta.add(at(f)) = if self.relu && y <= 0.0 { 0.0 } else { g };
                }
                if output_is_log {
                    *self.y.add(at(f)) = log;
                }
            }
        }
    }
}
