//! A long list in pages, so that taking it apart gives its memory back as it goes.

/// Elements of one page.
const PAGE: usize = 512;

/// A list that is filled once and taken apart once. A plain vector would be copied each time it grows, and would keep all
/// of its memory until the last element was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T>(Vec<Vec<T>>);

impl<T> Paged<T> {
    /// Adds an element at the end.
    pub fn push(&mut self, element: T) {
        match self.0.last_mut() {
            Some(page) if page.len() < PAGE => page.push(element),
            Some(_) | None => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(element);
                self.0.push(page);
            }
        }
    }

    /// Looks at every element, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<T> for Paged<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut paged = Self::default();
        for element in elements {
            paged.push(element);
        }
        paged
    }
}

impl<T> IntoIterator for Paged<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGE, Paged};

    #[test]
    fn order_survives_the_pages() {
        let many = PAGE * 2 + 1;
        let paged: Paged<usize> = (0..many).collect();
        assert_eq!(paged.0.len(), 3);
        assert!(paged.iter().copied().eq(0..many));
        assert!(paged.into_iter().eq(0..many));
    }
}
