//! The rows of weights on the Test One page: what a module learned, as pictures.
//!
//! DIGITS draws weights by the rules of [`layer`] and shows none of `nn.Linear`; the tiles here are an extra.

use super::{
    layer,
    report::{About, Layer},
    seen::Seen,
    shown::Shown,
    statistics::Statistics,
    values::values,
};
use crate::{error::Result, nn::Parameter};

/// The row of a parameter. `image` is the shape of the network's input.
pub(super) fn row(module: &Seen, parameter: &Parameter, learned: i64, image: &[i64], index: usize) -> Result<Layer> {
    let values = values(&parameter.leaf)?;
    let mut shape = parameter.size.clone();
    let mut note = None;
    let mut picture = None;
    if let ([rows, columns], Some(kernels)) = (shape.as_slice(), &module.kernels) {
        // The older convolutions keep their kernels as a matrix (spec section 8, quirk 35).
        note = Some(format!("stored as a matrix of {rows} × {columns}"));
        shape = kernels.clone();
    } else if let ([rows, columns], true) = (shape.as_slice(), module.class.contains("Linear")) {
        let (size, tiles, words) = linear_tiles(*rows, *columns, image, &values);
        picture = layer::picture(&size, &tiles);
        note = Some(words);
    }
    let name = module.label.clone();
    let field = parameter.name.rsplit('.').next().unwrap_or("weight");
    let kind = if field == "weight" { "weights".to_string() } else { field.to_string() };
    let picture = picture.or_else(|| layer::picture(&shape, &values));
    Ok(Layer {
        path: module.path.clone(),
        about: About::Weights,
        statistics: Statistics::of(&shape, &values),
        learned_parameters: Some(learned),
        picture: picture.map(|picture| Shown {
            file: module.file_name(index, &kind),
            alt: format!("Weights of {name} as a colour map"),
            picture,
        }),
        note,
        name,
    })
}

/// An extra of ours: DIGITS shows no picture for `nn.Linear`. Rows that look at the whole image, and columns that
/// paint one, are drawn as images; any other weight matrix as one tile.
fn linear_tiles(rows: i64, columns: i64, image: &[i64], values: &[f32]) -> (Vec<i64>, Vec<f32>, String) {
    let pixels: i64 = image.iter().product();
    let tiles = |count: i64| [&[count], image].concat();
    if columns == pixels {
        (tiles(rows), values.to_vec(), format!("each tile: what one of the {rows} outputs looks for in the image"))
    } else if rows == pixels {
        let (r, c) = (rows as usize, columns as usize);
        let turned = (0..c).flat_map(|column| (0..r).map(move |row| values[row * c + column])).collect();
        (tiles(columns), turned, format!("each tile: what one of the {columns} inputs paints into the image"))
    } else {
        (vec![1, rows, columns], values.to_vec(), format!("one row for each of the {rows} outputs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_convolutions_get_their_four_dimensions_back() {
        let weight = tch::Tensor::arange(3 * 22, (tch::Kind::Float, tch::Device::Cpu)).view([3, 22]);
        let parameter = Parameter {
            name: "1.weight".into(),
            size: weight.size(),
            grad: weight.zeros_like(),
            leaf: weight,
            learns: true,
            is_twin: false,
            layout: None,
        };
        let mut module = Seen {
            path: "1".into(),
            class: "nn.SpatialConvolutionMM".into(),
            label: "nn.SpatialConvolutionMM(2 -> 3, 11x1)".into(),
            parameters: vec![0],
            kernels: Some(vec![3, 2, 1, 11]),
        };
        let shown = row(&module, &parameter, 69, &[2, 8, 16], 0).unwrap();
        assert_eq!(
            (shown.statistics.shape, shown.note.as_deref()),
            (vec![3, 2, 1, 11], Some("stored as a matrix of 3 × 22"))
        );
        module.kernels = None;
        let shown = row(&module, &parameter, 69, &[2, 8, 16], 0).unwrap();
        assert_eq!((shown.statistics.shape, shown.note), (vec![3, 22], None));
    }

    #[test]
    fn rows_that_see_the_image_and_columns_that_paint_it_are_images() {
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let (size, tiles, _) = linear_tiles(3, 4, &[1, 2, 2], &values);
        assert_eq!((size, &tiles), (vec![3, 1, 2, 2], &values));
        let (size, tiles, _) = linear_tiles(4, 3, &[1, 2, 2], &values);
        assert_eq!(size, [3, 1, 2, 2]);
        assert_eq!(tiles[..4], [0.0, 3.0, 6.0, 9.0]);
        assert_eq!(linear_tiles(3, 4, &[1, 3, 3], &values).0, [1, 3, 4]);
    }
}
