"""Make the files that real folders hold and that stop other programs: `python -m tests.bad_files FOLDER`."""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from pillow_heif import register_heif_opener

register_heif_opener()
PROBLEMS = {  # what set_aside says of each file, "" = must be read correctly
    "truncated.jpg": "truncated",
    "truncated.png": "truncated",
    "truncated.heic": "truncated",
    "empty.jpg": "zero bytes",
    "text.jpg": "not an image that Pillow reads",
    "folder.jpg": "a folder, not a file",
    "link_to_nothing.jpg": "missing",
    "bomb.png": "too large: over 179 megapixels, a decompression bomb",
    "tiny.png": "too small: 20 x 15 pixels, at least 32 needed",
    "cmyk.jpg": "",
    "grey_16_bit.png": "",
    "rgb_16_bit.png": "",
    "palette_transparent.png": "",
    "animated.gif": "",
    "rotated_by_exif.jpg": "",
    "phone.heic": "",
    "png_named.jpg": "",
    "jpeg_without_suffix": "",
}


def picture(width: int = 160, height: int = 120) -> Image.Image:
    """Return a picture whose sides differ: red grows to the right, green downwards, and its left third is blue."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)
    pixels[..., 1] = np.linspace(0, 200, height)[:, None]
    pixels[:, : width // 3, 2] = 255
    return Image.fromarray(pixels)


def png(width: int, height: int, depth: int, colour: int, pixels: bytes) -> bytes:
    """Return a PNG whose header may promise anything."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def make(folder: Path) -> dict[str, str]:
    """Write all of them into `folder` and return PROBLEMS."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    photo = picture()
    for suffix in ("jpg", "png", "heic"):
        whole = folder / f"truncated.{suffix}"
        photo.save(whole)
        whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("This is no photograph.")
    (folder / "folder.jpg").mkdir(exist_ok=True)
    if not (folder / "link_to_nothing.jpg").is_symlink():
        (folder / "link_to_nothing.jpg").symlink_to("nothing.jpg")
    (folder / "bomb.png").write_bytes(png(30_000, 30_000, 1, 0, bytes(1000)))
    photo.resize((20, 15)).save(folder / "tiny.png")
    photo.convert("CMYK").save(folder / "cmyk.jpg")
    grey = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(folder / "grey_16_bit.png")
    wide = (np.asarray(photo).astype(">u2") * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    (folder / "rgb_16_bit.png").write_bytes(png(*photo.size, 16, 2, rows))
    palette = photo.quantize(64)
    palette.info["transparency"] = palette.getpixel((0, 0))
    palette.save(folder / "palette_transparent.png")
    photo.save(folder / "animated.gif", save_all=True, append_images=[Image.new("RGB", photo.size)])
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: turn by 90 degrees clockwise to see it
    photo.rotate(90, expand=True).save(folder / "rotated_by_exif.jpg", exif=exif, quality=95)
    photo.save(folder / "phone.heic", quality=95)
    photo.save(folder / "png_named.jpg", format="PNG")
    photo.save(folder / "jpeg_without_suffix", format="JPEG", quality=95)
    return PROBLEMS


if __name__ == "__main__":
    print(f"{len(make(Path(sys.argv[1])))} files in {sys.argv[1]}")
