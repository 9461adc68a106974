"""A link as a picture that the camera of another phone reads."""


def picture(link: str) -> str:
    """SVG, in lines of its own and without a size: the page's style gives it one."""
    import segno  # 20 ms, and only two pages show a picture

    return str(segno.make_qr(link, error="m").svg_inline(scale=1, border=4, omitsize=True))
