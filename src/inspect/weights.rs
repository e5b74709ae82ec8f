//! The rows of weights on the Test One page: what a module learned, as pictures.
//!
//! DIGITS draws weights by the rules of [`layer`] and shows none of `nn.Linear`; the tiles here are an extra.

use super::{
    layer,
    statistics::Statistics,
    test_one::{About, Layer, Place, Shown, file_name, numbers},
};
use crate::{error::Result, nn::Parameter};

/// The row of a parameter. `image` is the shape of the network's input.
pub(super) fn row(node: &Place, parameter: &Parameter, learned: i64, image: &[i64], index: usize) -> Result<Layer> {
    let values = numbers(&parameter.leaf)?;
    let mut shape = parameter.size.clone();
    let mut note = None;
    let mut picture = None;
    if let Some(kernels) = convolution_shape(&node.label, &shape) {
        note = Some(format!("stored as a matrix of {} × {}", shape[0], shape[1]));
        shape = kernels;
    } else if let ([rows, columns], true) = (shape.as_slice(), node.class.contains("Linear")) {
        let (size, tiles, words) = linear_tiles(*rows, *columns, image, &values);
        picture = layer::picture(&size, &tiles);
        note = Some(words);
    }
    let name = node.label.clone();
    let field = parameter.name.rsplit('.').next().unwrap_or("weight");
    let kind = if field == "weight" { "weights".to_string() } else { field.to_string() };
    let picture = picture.or_else(|| layer::picture(&shape, &values));
    Ok(Layer {
        path: node.path.clone(),
        about: About::Weights,
        statistics: Statistics::of(&shape, &values),
        learned_parameters: Some(learned),
        picture: picture.map(|picture| Shown {
            file: file_name(index, node, &kind),
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

/// `[out, in, kH, kW]` of a 2-D weight `[out, in·kH·kW]`, read from the printed form of the older convolutions,
/// `nn.SpatialConvolutionMM(3 -> 96, 11x11, 4,4)` (spec section 8, quirk 35).
fn convolution_shape(label: &str, size: &[i64]) -> Option<Vec<i64>> {
    let [out, flat] = *size else { return None };
    let (_, inside) = label.split_once("Convolution")?.1.split_once('(')?;
    let mut parts = inside.trim_end_matches(')').split(',').map(str::trim);
    let planes: i64 = parts.next()?.split_once("->")?.0.trim().parse().ok()?;
    let (width, height) = parts.next()?.split_once('x')?;
    let (width, height): (i64, i64) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
    (planes * width * height == flat).then(|| vec![out, planes, height, width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_convolutions_get_their_four_dimensions_back() {
        let shape = |label, size: &[i64]| convolution_shape(label, size);
        assert_eq!(shape("nn.SpatialConvolutionMM(3 -> 96, 11x5, 4,4)", &[96, 165]), Some(vec![96, 3, 5, 11]));
        assert_eq!(shape("nn.SpatialConvolutionMM(1 -> 20, 5x5)", &[20, 25]), Some(vec![20, 1, 5, 5]));
        assert_eq!(shape("nn.SpatialConvolutionMM(1 -> 20, 5x5)", &[20, 26]), None);
        assert_eq!(shape("nn.SpatialConvolution(1 -> 20, 5x5)", &[20, 1, 5, 5]), None);
        assert_eq!(shape("nn.Linear(25 -> 20)", &[20, 25]), None);
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
