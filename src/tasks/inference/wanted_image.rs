//! The image that a record of a pair wants, beside what the network makes of its input.

use crate::{
    data::{Planes, Values, label_image::is_dark},
    inspect::picture::Picture,
    tasks::trained::Trained,
};

/// The image that a record wants, and its height and width; none where the label is numbers.
pub(super) fn drawn(job: &Trained, planes: &Planes) -> Option<([i64; 2], Picture)> {
    let ([c, h, w], values) = job.label_values(planes);
    let is_image = h > 1 && w > 1 && matches!(c, 1 | 3);
    let is_bytes = matches!(&planes.values, Values::Bytes(bytes) if !is_dark(bytes));
    let size = [c, h, w];
    let picture =
        if is_bytes { Picture::image(&size, &values, 0.0, 255.0) } else { Picture::stretched(&size, &values) };
    Some(([h, w], picture.filter(|_| is_image)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::trained::tests::trained;

    #[test]
    fn the_image_that_a_record_wants_is_drawn() {
        let any = "return { model = nn.Sequential():add(nn.SpatialConvolution(1, 1, 1, 1)) }\n";
        let job = trained(any, &[]);
        let planes = |shape: [i64; 3]| {
            let count = shape.iter().product::<i64>() as u8;
            Planes { shape, values: Values::Bytes((0..count).map(|at| at * 8).collect()) }
        };
        let (size, picture) = drawn(&job, &planes([1, 4, 4])).unwrap();
        assert_eq!((size, picture.pixel(3, 3)), ([4, 4], [120; 3]));
        assert!(drawn(&job, &planes([5, 1, 1])).is_none(), "these are numbers");
    }
}
