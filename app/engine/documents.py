"""Read diagrams and decisions from untrusted bytes: no DTD, no entities, no network, a size limit."""

from __future__ import annotations

from lxml import etree

from app.errors import Fault

MAX_BYTES = 2_000_000
MAX_DEPTH = 60
MAX_ELEMENTS = 20_000

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM = "http://www.omg.org/spec/BPMN/20100524/DI"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
DMN_NAMESPACES = (
    "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
)


class DocumentRefused(ValueError):
    """A file that is not a readable diagram."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def read_document(path: str, content: bytes) -> etree._Element:
    """Parse one file; raise DocumentRefused with file, element, reason and remedy."""
    if len(content) > MAX_BYTES:
        raise _refused(
            path,
            "definitions",
            f"the file has {len(content)} bytes, {MAX_BYTES} are allowed",
            "split the diagram",
        )
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _no_dtd(path)
    parser = etree.XMLParser(
        # Whatever the file says: in another encoding a DTD would pass the search above.
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise _refused(
            path,
            f"line {getattr(exc, 'lineno', None) or 1}",
            f"the file is not well-formed XML in UTF-8: {' '.join(str(exc).split())}",
            "save it again from a BPMN modeler",
        ) from exc
    if root.getroottree().docinfo.doctype:
        raise _no_dtd(path)
    _check_shape(path, root)
    return root


def _check_shape(path: str, root: etree._Element) -> None:
    count = 0
    beside = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    stack = [(node, 1) for node in (*beside, root)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise _refused(
                path,
                _owner_of(node),
                "the file nests too deep or has too many elements",
                "split the diagram",
            )
        if isinstance(node, etree._ProcessingInstruction):
            raise _refused(
                path,
                node.target,
                f"the file has a processing instruction <?{node.target}?>",
                "remove it; nothing of it is run",
            )
        if isinstance(node, etree._Entity):
            raise _refused(path, node.name, "the file uses an entity", "write the text itself")
        stack.extend((child, depth + 1) for child in node)


def _owner_of(node: etree._Element) -> str:
    ids = (n.get("id") for n in (node, *node.iterancestors()))
    return str(next(filter(None, ids), "definitions"))


def _no_dtd(path: str) -> DocumentRefused:
    remedy = "remove the <!DOCTYPE ...> part; diagrams need none"
    return _refused(path, "DOCTYPE", "the file has a DTD or entities", remedy)


def _refused(path: str, element: str, reason: str, remedy: str) -> DocumentRefused:
    return DocumentRefused(Fault(file=path, element=element, reason=reason, remedy=remedy))


def local_name(node: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(etree.QName(node).localname)


def namespace(node: etree._Element) -> str:
    """Return an element's namespace."""
    return str(etree.QName(node).namespace or "")
