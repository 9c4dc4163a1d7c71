package import Images
import RPC

/// COCO's JSON of the objects in one picture: `info`, `images` (one), `annotations`, `categories`.
///
/// Source: cocodataset.org, "Data format".
package struct COCODocument: Sendable {
    /// How an annotation says which pixels it has.
    package enum Segmentation: Sendable {
        /// Only by its box.
        case none
        /// By compressed ``RunLengths``.
        case runLengths
        /// By a polygon for each 4-connected part; as polygons have no holes, bridges join these to the outer line.
        case polygons
    }

    private let width: Int
    private let height: Int
    private let segmentation: Segmentation
    private let info: String
    private let image: String
    private let categories: [String]
    private var annotations: [String] = []

    /// - Parameters:
    ///   - fileName: of the picture
    ///   - width, height: of the picture
    ///   - labels: the categories, numbered from 1
    ///   - provenance: an object, `info.dseg`
    package init(
        fileName: String, width: Int, height: Int, labels: [String], segmentation: Segmentation,
        provenance: some Encodable
    ) {
        self.width = width
        self.height = height
        self.segmentation = segmentation
        let (version, provenance) = (JSONLine.text(of: Version.current), JSONLine.text(of: provenance))
        info = #"{"description":"dseg","version":\#(version),"dseg":\#(provenance)}"#
        image = #"{"id":1,"file_name":\#(JSONLine.text(of: fileName)),"width":\#(width),"height":\#(height)}"#
        categories = labels.enumerated().map { #"{"id":\#($0 + 1),"name":\#(JSONLine.text(of: $1))}"# }
    }

    /// Adds the annotation of a label's pixels; none where the region is empty.
    ///
    /// - Parameters:
    ///   - region: of the picture's size
    ///   - label: a place in the labels, from 0
    package mutating func add(_ region: Region, label: Int) {
        precondition(region.width == width && region.height == height, "a region of another size")
        precondition(categories.indices.contains(label), "no such label")
        guard let box = region.box else { return }
        let pixels =
            switch segmentation {
            case .none: "[]"
            case .runLengths:
                #"{"size":[\#(height),\#(width)],"counts":\#(JSONLine.text(of: RunLengths(of: region).compressed))}"#
            case .polygons: "[" + region.contours().map(Self.polygon).joined(separator: ",") + "]"
            }
        annotations.append(
            #"{"id":\#(annotations.count + 1),"image_id":1,"category_id":\#(label + 1),"iscrowd":0,"#
                + #""area":\#(region.area),"bbox":[\#(box.x),\#(box.y),\#(box.width),\#(box.height)],"#
                + #""segmentation":\#(pixels)}"#)
    }

    private static func polygon(_ contour: Contour) -> String {
        "[" + contour.joined.map { "\($0.x),\($0.y)" }.joined(separator: ",") + "]"
    }

    /// The file's bytes; the same picture and regions give the same bytes. An annotation is a line.
    package var encoded: [UInt8] {
        let text =
            #"{"info":\#(info),"# + "\n" + #""images":[\#(image)],"# + "\n" + #""annotations":["#
            + annotations.map { "\n" + $0 }.joined(separator: ",") + #"],"# + "\n" + #""categories":["#
            + categories.map { "\n" + $0 }.joined(separator: ",") + "]}\n"
        return Array(text.utf8)
    }
}
