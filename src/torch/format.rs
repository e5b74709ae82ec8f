//! Printing tensors and storages byte for byte as Torch7 does.
//!
//! Source: torch7 `Tensor.lua`, the functions behind `__tostring__`; numbers as C's `printf` writes them.

use std::fmt::Write as _;

use super::{memory, storage::Storage, tensor::Tensor};
use crate::error::Result;

/// How each number of one tensor is written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Style {
    form: Form,
    width: usize,
    /// What the numbers are divided by, 1 for none.
    scale: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// `%<width>d`
    Whole,
    /// `%<width>.4e`
    Power,
    /// `%<width>.4f`
    Fixed,
    /// `%f`, when a NaN makes the width unknowable
    Plain,
}

impl Style {
    fn of(values: &[f64]) -> Style {
        let whole = values.iter().all(|x| *x == x.ceil());
        if values.iter().any(|x| x.is_nan()) {
            return Style { form: Form::Plain, width: 0, scale: 1.0 };
        }
        let digits = |x: f64| if x == 0.0 { 1.0 } else { x.log10().floor() + 1.0 };
        let least = digits(values.iter().fold(f64::INFINITY, |least, x| least.min(x.abs())));
        let most = digits(values.iter().fold(0.0f64, |most, x| most.max(x.abs())));
        let (form, width, scale) = if whole && most > 9.0 {
            (Form::Power, 11, 1.0)
        } else if whole {
            (Form::Whole, most as usize + 1, 1.0)
        } else if most - least > 4.0 {
            (Form::Power, if most.abs() > 99.0 || least.abs() > 99.0 { 12 } else { 11 }, 1.0)
        } else if !(0.0..=5.0).contains(&most) {
            (Form::Fixed, 7, 10f64.powf(most - 1.0))
        } else {
            (Form::Fixed, if most == 0.0 { 7 } else { most as usize + 6 }, 1.0)
        };
        Style { form, width, scale }
    }

    fn write(self, text: &mut String, value: f64) {
        let value = value / self.scale;
        let width = self.width;
        let number = match self.form {
            Form::Whole => format!("{}", value as i64),
            Form::Power => scientific(value),
            Form::Fixed => fixed(value, 4),
            Form::Plain => fixed(value, 6),
        };
        let _ = write!(text, "{number:>width$}");
    }

    /// Columns of a matrix that fit into a page of `room` characters.
    fn columns(self, room: usize, wanted: usize) -> usize {
        if self.form == Form::Plain { wanted } else { (room / (self.width + 1)).max(1) }
    }
}

/// C's `%.<digits>f`.
fn fixed(value: f64, digits: usize) -> String {
    odd(value).unwrap_or_else(|| format!("{value:.digits$}"))
}

/// C's `%.4e`: at least two digits of exponent, with its sign.
fn scientific(value: f64) -> String {
    odd(value).unwrap_or_else(|| {
        let text = format!("{value:.4e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        format!("{mantissa}e{sign}{exponent:0>2}")
    })
}

/// LuaJIT's words for what is not a finite number; a NaN has no sign there.
fn odd(value: f64) -> Option<String> {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_nan() {
        Some("nan".into())
    } else if value.is_infinite() {
        Some(format!("{sign}inf"))
    } else {
        None
    }
}

/// C's `%g` of a power of ten, as it stands before ` *`.
fn power_of_ten(scale: f64) -> String {
    let exponent = scale.log10().round() as i32;
    if (-4..6).contains(&exponent) {
        format!("{scale}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("1e{sign}{:02}", exponent.abs())
    }
}

fn write_column(text: &mut String, values: &[f64]) {
    let style = Style::of(values);
    if style.scale != 1.0 {
        let _ = writeln!(text, "{} *", power_of_ten(style.scale));
    }
    for &value in values {
        style.write(text, value);
        text.push('\n');
    }
}

fn write_matrix(text: &mut String, values: &[f64], width: usize, indent: &str, style: Style) {
    let per_page = style.columns(80 - indent.len(), width);
    let scaled = style.scale != 1.0;
    text.push_str(indent);
    let mut first = 0;
    while first < width {
        let last = (first + per_page).min(width);
        if per_page < width {
            if first != 0 {
                text.push('\n');
            }
            let _ = write!(text, "Columns {} to {last}\n{indent}", first + 1);
        }
        if scaled {
            let _ = write!(text, "{} *\n {indent}", power_of_ten(style.scale));
        }
        let rows = values.len() / width;
        for (at, row) in values.chunks(width).enumerate() {
            for (column, &value) in row[first..last].iter().enumerate() {
                if column > 0 {
                    text.push(' ');
                }
                style.write(text, value);
            }
            text.push('\n');
            if at + 1 < rows {
                text.push_str(indent);
                if scaled {
                    text.push(' ');
                }
            }
        }
        first = last;
    }
}

/// Blocks `(i,j,.,.) = `, the first index running fastest.
fn write_blocks(text: &mut String, values: &[f64], size: &[i64]) {
    let style = Style::of(values);
    let outer: Vec<usize> = size[..size.len() - 2].iter().map(|&extent| extent as usize).collect();
    let width = size[size.len() - 1] as usize;
    let block = width * size[size.len() - 2] as usize;
    let count: usize = outer.iter().product();
    for number in 0..count {
        let (mut rest, mut at, mut step) = (number, 0, count);
        text.push_str(if number == 0 { "(" } else { "\n(" });
        for extent in &outer {
            step /= extent;
            at += rest % extent * step;
            let _ = write!(text, "{},", rest % extent + 1);
            rest /= extent;
        }
        text.push_str(".,.) = \n");
        write_matrix(text, &values[at * block..(at + 1) * block], width, " ", style);
    }
}

impl Tensor {
    /// What `print(t)` shows, with its last newline.
    ///
    /// # Errors
    /// When the elements cannot be copied out of libtorch.
    pub fn printed(&self) -> Result<String> {
        let (name, size) = (self.tensor_type().tensor_name(), self.size());
        if size.is_empty() {
            return Ok(format!("[{name} with no dimension]\n"));
        }
        let values = self.values()?;
        let mut text = String::new();
        match size.len() {
            1 => write_column(&mut text, &values),
            2 => write_matrix(&mut text, &values, size[1] as usize, "", Style::of(&values)),
            _ => write_blocks(&mut text, &values, &size),
        }
        let size: Vec<String> = size.iter().map(i64::to_string).collect();
        let _ = writeln!(text, "[{name} of size {}]", size.join("x"));
        Ok(text)
    }
}

impl Storage {
    /// All elements in order, as doubles.
    ///
    /// # Errors
    /// When they cannot be copied out of libtorch.
    pub fn values(&self) -> Result<Vec<f64>> {
        memory::check_values(self.len(), "a list of the elements")?;
        let flat = self.flat().f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Double)?;
        Ok(Vec::<f64>::try_from(&flat)?)
    }

    /// What `print(s)` shows, with its last newline.
    ///
    /// # Errors
    /// When the elements cannot be copied out of libtorch.
    pub fn printed(&self) -> Result<String> {
        let mut text = String::new();
        let values = self.values()?;
        if !values.is_empty() {
            write_column(&mut text, &values);
        }
        let _ = writeln!(text, "[{} of size {}]", self.tensor_type().storage_name(), self.len());
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::TensorType;

    fn shown(size: &[i64], values: &[f64]) -> String {
        Tensor::from_values(TensorType::DOUBLE, size, values).unwrap().printed().unwrap()
    }

    #[test]
    fn columns_choose_whole_fixed_scaled_and_scientific_numbers() {
        assert_eq!(shown(&[3], &[1.0, -2.0, 30.0]), "  1\n -2\n 30\n[torch.DoubleTensor of size 3]\n");
        assert_eq!(shown(&[2], &[0.5, 1.25]), " 0.5000\n 1.2500\n[torch.DoubleTensor of size 2]\n");
        assert_eq!(shown(&[2], &[0.011, 0.02]), "0.01 *\n 1.1000\n 2.0000\n[torch.DoubleTensor of size 2]\n");
        assert_eq!(shown(&[2], &[1234567.5, 1e6]), "1e+06 *\n 1.2346\n 1.0000\n[torch.DoubleTensor of size 2]\n");
        assert_eq!(shown(&[2], &[0.5, 1e7]), " 5.0000e-01\n 1.0000e+07\n[torch.DoubleTensor of size 2]\n");
        assert_eq!(shown(&[1], &[1e10]), " 1.0000e+10\n[torch.DoubleTensor of size 1]\n");
        assert_eq!(shown(&[2], &[f64::NAN, 1.5]), "nan\n1.500000\n[torch.DoubleTensor of size 2]\n");
        assert_eq!(shown(&[2], &[f64::INFINITY, 1.5]), "         inf\n  1.5000e+00\n[torch.DoubleTensor of size 2]\n");
    }

    #[test]
    fn matrices_break_into_pages_of_eighty_characters() {
        assert_eq!(shown(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), " 1  2\n 3  4\n[torch.DoubleTensor of size 2x2]\n");
        let wide = shown(&[1, 30], &[1.0; 30]);
        let ones = |n: usize| vec![" 1"; n].join(" ");
        assert_eq!(
            wide,
            format!(
                "Columns 1 to 26\n{}\n\nColumns 27 to 30\n{}\n[torch.DoubleTensor of size 1x30]\n",
                ones(26),
                ones(4)
            )
        );
        assert_eq!(shown(&[2, 1], &[0.001, 0.002]), "0.001 *\n  1.0000\n  2.0000\n[torch.DoubleTensor of size 2x1]\n");
    }

    #[test]
    fn blocks_run_the_first_index_fastest() {
        let values: Vec<f64> = (1..=8).map(f64::from).collect();
        assert_eq!(
            shown(&[2, 2, 1, 2], &values),
            "(1,1,.,.) = \n  1  2\n\n(2,1,.,.) = \n  5  6\n\n(1,2,.,.) = \n  3  4\n\n(2,2,.,.) = \n  7  8\n\
             [torch.DoubleTensor of size 2x2x1x2]\n"
        );
    }

    #[test]
    fn empty_ones_say_so() {
        assert_eq!(Tensor::empty(TensorType::FLOAT).printed().unwrap(), "[torch.FloatTensor with no dimension]\n");
        let storage = Storage::from_values(TensorType::LONG, &[2.0, 3.0]).unwrap();
        assert_eq!(storage.printed().unwrap(), " 2\n 3\n[torch.LongStorage of size 2]\n");
        assert_eq!(Storage::zeros(TensorType::LONG, 0).unwrap().printed().unwrap(), "[torch.LongStorage of size 0]\n");
    }
}
