//! Icons as PNG in base 64, where there are such. The handle belongs to the handler and is only looked at (M-46).

#![cfg_attr(
    windows,
    expect(
        unsafe_code,
        reason = "icons are handles of the system, and their pixels are read through it"
    )
)]

use syncmgr_com::structure::Handle;

/// There are no icons here.
#[cfg(not(windows))]
pub(crate) fn png(_icon: Handle) -> Option<String> {
    None
}

#[cfg(windows)]
pub(crate) use windows::png;

#[cfg(windows)]
mod windows {
    use std::ptr;

    use base64::Engine as _;
    use syncmgr_handler::contract::MAX_ICON_BYTES;
    use windows_sys::Win32::Graphics::Gdi::{
        BI_RGB, BITMAP, BITMAPINFO, BITMAPINFOHEADER, DIB_RGB_COLORS, DeleteObject, GetDC,
        GetDIBits, GetObjectW, HBITMAP, ReleaseDC,
    };
    use windows_sys::Win32::UI::WindowsAndMessaging::{GetIconInfo, ICONINFO};

    use super::Handle;

    /// Longest edge of an icon, in pixels; a larger one is left out.
    const MAX_EDGE: i32 = 256;

    /// The icon as PNG in base 64; `None` for none, for one without colours, and for one that is too large.
    pub(crate) fn png(icon: Handle) -> Option<String> {
        if icon.is_null() {
            return None;
        }
        let mut info = ICONINFO::default();
        // SAFETY: the place is ours; a handle that is no icon is refused by the system.
        if unsafe { GetIconInfo(icon.cast(), &raw mut info) } == 0 {
            return None;
        }
        let mask = Bitmap(info.hbmMask);
        let color = Bitmap(info.hbmColor);
        let (width, height) = color.size()?;
        let mut pixels = color.pixels(width, height)?;
        // Blue, green, red, alpha becomes red, green, blue, alpha.
        for pixel in pixels.chunks_exact_mut(4) {
            pixel.swap(0, 2);
        }
        if pixels.chunks_exact(4).all(|pixel| pixel[3] == 0) {
            // Without an alpha channel the mask says what is transparent: its white.
            let mask = mask.pixels(width, height)?;
            for (pixel, mask) in pixels.chunks_exact_mut(4).zip(mask.chunks_exact(4)) {
                pixel[3] = if mask[0] == 0 { 0xFF } else { 0 };
            }
        }
        let text = base64::engine::general_purpose::STANDARD.encode(encoded(
            u32::try_from(width).ok()?,
            u32::try_from(height).ok()?,
            &pixels,
        )?);
        (text.len() <= MAX_ICON_BYTES).then_some(text)
    }

    fn encoded(width: u32, height: u32, pixels: &[u8]) -> Option<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(pixels).ok()?;
        writer.finish().ok()?;
        Some(file)
    }

    /// A bitmap that `GetIconInfo` made for us.
    struct Bitmap(HBITMAP);

    impl Drop for Bitmap {
        fn drop(&mut self) {
            if !self.0.is_null() {
                // SAFETY: the copy is ours and is deleted once.
                unsafe { DeleteObject(self.0) };
            }
        }
    }

    impl Bitmap {
        fn size(&self) -> Option<(i32, i32)> {
            let mut told = BITMAP::default();
            let size = i32::try_from(size_of::<BITMAP>()).ok()?;
            // SAFETY: the place is as large as we say; a null bitmap is refused by the system.
            let got = unsafe { GetObjectW(self.0, size, (&raw mut told).cast()) };
            let fits = |edge: i32| (1..=MAX_EDGE).contains(&edge);
            (got != 0 && fits(told.bmWidth) && fits(told.bmHeight))
                .then_some((told.bmWidth, told.bmHeight))
        }

        /// The pixels from the top, four bytes each.
        fn pixels(&self, width: i32, height: i32) -> Option<Vec<u8>> {
            let mut info = BITMAPINFO {
                bmiHeader: BITMAPINFOHEADER {
                    biSize: u32::try_from(size_of::<BITMAPINFOHEADER>()).ok()?,
                    biWidth: width,
                    biHeight: -height,
                    biPlanes: 1,
                    biBitCount: 32,
                    biCompression: BI_RGB,
                    ..BITMAPINFOHEADER::default()
                },
                ..BITMAPINFO::default()
            };
            let lines = u32::try_from(height).ok()?;
            let bytes = usize::try_from(width).ok()? * usize::try_from(height).ok()? * 4;
            let mut pixels = vec![0_u8; bytes];
            // SAFETY: the screen's context is released below; there is room for every line of four bytes a pixel.
            let got = unsafe {
                let screen = GetDC(ptr::null_mut());
                let got = GetDIBits(
                    screen,
                    self.0,
                    0,
                    lines,
                    pixels.as_mut_ptr().cast(),
                    &raw mut info,
                    DIB_RGB_COLORS,
                );
                ReleaseDC(ptr::null_mut(), screen);
                got
            };
            (got == height).then_some(pixels)
        }
    }
}
