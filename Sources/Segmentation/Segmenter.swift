import Images
package import Kernels
package import Networks
import Texts

/// Answers segmentation requests with one model, and caches each stage: look once, ask many times.
///
///     file ─► square ─► latent ─► noised ─► U-Net pass ─► AttentionFeatures ─┐
///     words ─► prompt ─► tokens ─► context ─► keys ───────────────────────────┴─► fused ─► completed ─► scores
///
/// Everything but `square` (once there is a latent), `noised` and `fused` is cached for the user who asked, in the
/// ``Workspace`` that the segmenters of one thread share. A segmenter belongs to that thread.
package final class Segmenter {
    /// Prompts that the text encoder reads together: weights are read once for all.
    static let groupPrompts = 16

    package let model: Model
    package let captioner: Captioner?
    package let filter: LabelFilter?
    package let workspace: Workspace

    /// Address space for a request and its answer, beside scratch memory and caches.
    static let workingBytes = 256 << 20

    /// Bytes of address space for the scratch memory of its networks, which take turns, unless more than the area is
    /// read that the model was trained on.
    let scratchBytes: Int

    /// - Parameter workspace: shared with the segmenters of other models on this thread
    /// - Throws: where address space (`ulimit -v`) is short of what scratch memory and answering need
    package init(_ pipeline: Pipeline, workspace: Workspace) throws(AddressSpaceError) {
        scratchBytes = pipeline.scratchBytes
        if workspace.scratchBytes < scratchBytes { try workspace.reserve(scratchBytes: scratchBytes) }
        try AddressSpace.require(Self.workingBytes, for: "answering")
        model = pipeline.model
        captioner = pipeline.captioner
        filter = pipeline.filter
        self.workspace = workspace
    }

    /// The model, and the networks beside it.
    package var loaded: [LoadedModel] {
        let beside = [captioner.map { LoadedModel($0.blip, .captioner) }, filter.map { LoadedModel($0.clip, .filter) }]
        return [LoadedModel(model)] + beside.compactMap(\.self)
    }

    /// Lets go of what is kept of its weights beyond this process.
    func letGo() { Pipeline(model: model, captioner: captioner, filter: filter).letGo() }

    /// What decides all that it computes: see ``Workspace/forget(everythingBut:)``.
    package var networks: Set<NetworkKey> { Set([model.key, captioner?.key, filter?.key].compactMap(\.self)) }

    /// The texts that the filter has in memory, which no other segmenter's has.
    package var textsMemory: (count: Int, bytes: Int) { filter?.remembered ?? (0, 0) }

    /// A user's part of ``textsMemory``.
    func textsMemory(of owner: UInt32) -> (count: Int, bytes: Int) { filter?.remembered(of: owner) ?? (0, 0) }

    /// Decodes a picture and remembers it for `owner`, as a recipe reads it and with its colours; of a file that is too
    /// large to be kept also as captioner and filter read it.
    package func look(
        at file: [UInt8], for recipe: Recipe = .shared, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        try check(cancellation)
        let source = PictureSource.file(file)
        let reading = PictureReading(geometry: recipe.geometry, resampling: recipe.resampling, colours: true)
        let isKept = workspace.pictures.keeps(file: file.count)
        return try picture(source, source.handle, reading, owner: owner, cancellation: cancellation) {
            isKept ? [] : allViews(of: $0, for: recipe)
        }.picture.looked
    }

    /// The picture whose file `owner` sends, or has sent.
    ///
    /// - Parameter handle: the source's
    package func look(
        at source: PictureSource, handle: String, for recipe: Recipe = .shared, owner: UInt32,
        cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        try check(cancellation)
        let reading = PictureReading(geometry: recipe.geometry, resampling: recipe.resampling, colours: false)
        return try picture(source, handle, reading, owner: owner, cancellation: cancellation) { _ in [] }
            .picture.looked
    }

    /// Answers a request, event by event.
    ///
    /// - Throws: what `emit` throws, and `SegmentationError`
    package func segment(
        _ request: SegmentationRequest, owner: UInt32, cancellation: Cancellation, queueMilliseconds: Float,
        emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        var painter = Painter(request)
        let computation = try begin(
            request, handle: request.picture.handle, owner: owner, cancellation: cancellation,
            queueMilliseconds: queueMilliseconds)
        while let part = try computation.next() {
            painter.add(part)
            while let event = painter.next(while: { !cancellation.isCancelled }) {
                try check(cancellation)
                try emit(event)
            }
            try check(cancellation)
        }
    }

    /// Begins to answer a request: all that can be refused before anything is computed is refused here.
    ///
    /// - Parameter handle: the picture's
    package func begin(
        _ request: SegmentationRequest, handle: String, owner: UInt32, cancellation: Cancellation,
        queueMilliseconds: Float
    ) throws(SegmentationError) -> Computation {
        try check(cancellation)
        var answer = AnswerInProgress(
            request: request, owner: owner, cancellation: cancellation, queueMilliseconds: queueMilliseconds)
        let (search, picture, fusion) = try answer.timing(.decode) {
            () throws(SegmentationError) -> (LabelSearch, AskedPicture, AttentionFusion) in
            try check(request)
            let search = try self.search(for: request, of: owner, cancellation: cancellation)
            let picture = try self.picture(
                request.picture, handle, request.recipe.reading, owner: owner, cancellation: cancellation
            ) { looked throws(SegmentationError) in
                try views(for: search, of: looked, owner) + [denseView(for: request.recipe)].compactMap(\.self)
            }
            try hold(picture, for: search)
            return (search, picture, try AttentionFusion(model.unet, recipe: request.recipe, picture.layout))
        }
        return try Computation(self, search, picture, fusion, answer)
    }

    /// Begins to say what is in a picture: all that can be refused before anything is computed is refused here.
    ///
    /// - Parameter handle: the picture's
    package func describe(
        _ request: DescriptionRequest, handle: String, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> Describing {
        try check(cancellation)
        try checkModel(request.model)
        let search = try self.search(for: request)
        let picture = try self.picture(
            request.picture, handle, Recipe.best.reading, owner: owner, cancellation: cancellation
        ) { looked throws(SegmentationError) in
            try views(for: search, of: looked, owner) + captionerViews(of: looked, owner)
        }
        try hold(picture, for: search)
        return Describing(self, search, picture, cancellation: cancellation)
    }

    /// Answers a request of this process to describe a picture, which nobody cancels.
    package func answer(_ request: DescriptionRequest) throws(SegmentationError) -> [DescriptionPart] {
        let describing = try describe(
            request, handle: request.picture.handle, owner: Caller.ownUser, cancellation: .never)
        var parts: [DescriptionPart] = []
        while let part = try describing.next() { parts.append(part) }
        return parts
    }

    /// Throws where the client has cancelled or its deadline has passed.
    func check(_ cancellation: Cancellation) throws(SegmentationError) {
        do throws(Interruption) { try cancellation.check() } catch { throw SegmentationError(error) }
    }

    /// Answers a request of this process, which nobody cancels.
    package func answer(
        _ request: SegmentationRequest, emit: (SegmentationEvent) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        try segment(request, owner: Caller.ownUser, cancellation: .never, queueMilliseconds: 0, emit: emit)
    }
}

extension LoadedModel {
    fileprivate init(_ model: Model) {
        self.init(
            role: .segmenter, name: model.name, hash: model.hash, bytes: model.weightBytes,
            precision: model.precision.rawValue)
    }

    fileprivate init(_ network: Pretrained<some PretrainedNetwork>, _ role: Role) {
        self.init(
            role: role, name: network.name, hash: network.hash, bytes: network.weightBytes,
            precision: network.precision.rawValue)
    }
}

extension Duration {
    package var milliseconds: Float {
        Float(components.seconds) * 1e3 + Float(Double(components.attoseconds) * 1e-15)
    }
}
