/// Tensor parallelism: heads, hidden features and the vocabulary are divided over devices; widths stay whole, because
/// every device holds the vectors between two products.
extension LayerShape {
  /// What one of `devices` devices computes of a layer: its heads with their keys and values, and its part of the hidden
  /// features, rounded up. Where there are fewer key–value heads than devices each device holds the one it needs.
  /// - Precondition: `problems(sharedBy:prefix:)` is empty.
  public func share(of devices: Int) -> LayerShape {
    var share = self
    share.heads = heads / devices
    share.keyValueHeads = max(1, keyValueHeads / devices)
    share.feedForward = (feedForward + devices - 1) / devices
    return share
  }

  /// What keeps a layer from being divided.
  fileprivate func problems(sharedBy devices: Int, prefix: String) -> [Problem] {
    if heads % devices != 0 {
      return [
        Problem(
          prefix + "heads", "\(heads) heads do not divide over \(devices) devices", accepted: "a divisor of \(heads)")
      ]
    }
    guard keyValueHeads % devices != 0, devices % keyValueHeads != 0 else { return [] }
    return [
      Problem(
        prefix + "key_value_heads", "\(keyValueHeads) key–value heads do not divide over \(devices) devices",
        accepted: "a divisor or a multiple of \(keyValueHeads)")
    ]
  }
}

extension Model {
  /// The model that one of `devices` devices computes; of maps between widths it computes a part that no shape states.
  /// - Precondition: `problems(sharedBy:)` is empty.
  public func share(of devices: Int) -> Model {
    guard devices > 1 else { return self }
    precondition(problems(sharedBy: devices).isEmpty, "a model is divided over devices that its heads allow")
    var share = self
    share.vocabulary = (vocabulary + devices - 1) / devices
    share.layer = layer.share(of: devices)
    for index in levels.indices { share.levels[index].layer = levels[index].layer.share(of: devices) }
    if !hasFullCaches {
      share.setCaches { level in
        var cache = cache(at: level)
        cache.exempt = cache.exempt.share(of: devices, heads: layer(at: level).share(of: devices).keyValueHeads)
        return cache
      }
    }
    return share
  }

  /// What keeps the model from being divided over so many devices; a dimension that a level inherits is reported once.
  public func problems(sharedBy devices: Int) -> [Problem] {
    var problems = layer.problems(sharedBy: devices, prefix: "")
    for (number, level) in zip(levels.indices, levels) where level.layer != layer {
      problems += level.layer.problems(sharedBy: devices, prefix: "levels[\(number)].")
    }
    return problems
  }
}
