import Images
import RPC

extension Drawing {
    /// A file of another program's format.
    ///
    /// - Parameter label: whose file it is, where each label has one
    func encoded(_ format: FileFormat, of label: String?, _ provenance: Provenance) throws -> [UInt8] {
        switch format {
        case .soft: try soft(place(of: label ?? ""))
        case .boxes: document(.none, provenance)
        case .rle: document(.runLengths, provenance)
        case .polygons: document(.polygons, provenance)
        case .yolo:
            Array(answer.header.labels.indices.map { YOLOLines.text(of: part([$0]), class: $0) }.joined().utf8)
        }
    }

    /// A label's map on the latent grid, float32 `[height, width]`, min-max scaled to 0...1.
    private func soft(_ label: Int) throws -> [UInt8] {
        let map = try map(of: label)
        guard answer.requestedMaps == .latent else { throw DrawingError.noScores }
        return NumPyFile.encoded(
            Compositing.unit(try map.scores()), shape: [Int(map.height), Int(map.width)])
    }

    private func document(_ segmentation: COCODocument.Segmentation, _ provenance: Provenance) -> [UInt8] {
        let header = answer.header
        var document = COCODocument(
            fileName: PathText.split(picturePath).name, width: Int(header.width), height: Int(header.height),
            labels: header.labels.map(\.name), segmentation: segmentation, provenance: provenance)
        for label in header.labels.indices { document.add(part([label]), label: label) }
        return document.encoded
    }
}
