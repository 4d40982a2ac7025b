/// Names of cards as drivers, clouds and benchmark files print them.
///
/// A name is normalised and then looked up exactly, never as a part of another: `b200` is inside `gb200`, `h20` inside `h200`,
/// `a10` inside `a100`. Sources: strings of `nvidia-smi`, `rocm-smi`, `hl-smi` and Metal in public files, device names of vLLM's
/// tuned kernels, product labels of GPU operators, and machine types of Google Cloud, AWS, Azure and Lambda.
enum CardNames {
  /// Normalised spellings of each shipped profile besides its own name.
  static let spellings: [(profile: String, names: [String])] = [
    (
      "a100-40g",
      [
        "a100-sxm4-40gb", "a100-sxm-40gb", "a100-40gb-sxm4", "a100-40gb-sxm", "a100-40gb", "a100-40",
        "a100-sxm4-40g", "a100-40g-sxm", "a2-highgpu-1g", "a2-highgpu-8g", "p4d.24xlarge",
        "p4d", "standard-nd96asr-v4", "gpu-1x-a100-sxm4", "gpu-8x-a100",
      ]
    ),
    (
      "a100-80g",
      [
        "a100-sxm4-80gb", "a100-sxm-80gb", "a100-80gb-sxm4", "a100-80gb-sxm", "a100-80gb", "a100-80",
        "a100-sxm4-80g", "a100-sxm", "nvidia-a100-80gb", "a2-ultragpu-1g", "p4de.24xlarge", "p4de",
        "standard-nd96amsr-a100-v4", "gpu-8x-a100-80gb-sxm4",
      ]
    ),
    (
      "h100-sxm",
      [
        "h100-80gb-hbm3", "h100-sxm5", "h100-sxm5-80gb", "h100-sxm-80gb", "h100-80gb-sxm", "h100-80gb-sxm5",
        "h100-80gb", "h100-mega", "nvidia-h100-80gb", "nvidia-h100-mega-80gb", "a3-highgpu-8g", "a3-megagpu-8g",
        "p5.48xlarge", "p5.4xlarge", "p5", "standard-nd96isr-h100-v5", "gpu-1x-h100-sxm5", "gpu-8x-h100-sxm5",
      ]
    ),
    (
      "h100-pcie",
      [
        "h100-80gb-pcie", "h100-pcie-80gb", "gpu-1x-h100-pcie",
      ]
    ),
    (
      "h200-sxm",
      [
        "h200", "h200-141gb", "h200-sxm-141gb", "h200-sxm5", "nvidia-h200-141gb", "a3-ultragpu-8g",
        "p5e.48xlarge", "p5en.48xlarge", "p5e", "p5en", "standard-nd96isr-h200-v5",
      ]
    ),
    (
      "b200",
      [
        "b200-sxm", "b200-180gb", "b200-sxm-180gb", "b200-sxm6", "nvidia-b200", "a4-highgpu-8g",
        "p6-b200.48xlarge", "p6-b200", "gpu-8x-b200-sxm6", "gpu-1x-b200-sxm6",
      ]
    ),
    (
      "gb200",
      [
        "gb200-sxm", "gb200-nvl72", "gb200-nvl4", "gb200-186gb", "nvidia-gb200", "a4x-highgpu-4g",
        "p6e-gb200.36xlarge", "p6e-gb200",
      ]
    ),
    (
      "h20",
      [
        "h20-96gb", "h20-sxm", "h20-96g",
      ]
    ),
    (
      "l40s",
      [
        "l40s-48gb", "g6e", "g6e.xlarge", "g6e.48xlarge",
      ]
    ),
    (
      "l4",
      [
        "l4-24gb", "nvidia-l4", "g2-standard-4", "g2-standard-8", "g6", "g6.xlarge", "g6.48xlarge",
      ]
    ),
    (
      "a10",
      [
        "a10-24gb", "a10-pcie", "standard-nv36ads-a10-v5", "standard-nv72ads-a10-v5", "gpu-1x-a10",
      ]
    ),
    (
      "t4",
      [
        "t4-16gb", "nvidia-tesla-t4", "g4dn", "g4dn.xlarge", "g4dn.12xlarge", "standard-nc4as-t4-v3",
        "standard-nc64as-t4-v3",
      ]
    ),
    (
      "v100-16g",
      [
        "v100-sxm2-16gb", "v100-16gb", "p3.2xlarge", "p3.8xlarge", "p3.16xlarge",
        "gpu-8x-v100",
      ]
    ),
    (
      "v100-32g",
      [
        "v100-sxm2-32gb", "v100-sxm3-32gb", "v100-32gb", "p3dn.24xlarge", "standard-nd40rs-v2",
      ]
    ),
    (
      "rtx-3090",
      [
        "rtx3090", "3090", "geforce-rtx-3090",
      ]
    ),
    (
      "rtx-4090",
      [
        "rtx4090", "4090", "geforce-rtx-4090",
      ]
    ),
    (
      "rtx-5090",
      [
        "rtx5090", "5090", "geforce-rtx-5090",
      ]
    ),
    (
      "mi250x",
      [
        "mi250x-gcd", "gfx90a-mi250x",
      ]
    ),
    (
      "mi300x",
      [
        "mi300x-oam", "mi300x-192gb", "standard-nd96isr-mi300x-v5",
      ]
    ),
    (
      "mi355x",
      [
        "mi355x-oam", "mi355x-288gb", "mi355x-288gb-hbm3e",
      ]
    ),
    (
      "gaudi-3",
      [
        "gaudi3", "hl-325l", "hl-325", "hl-325-gaudi3", "habana-gaudi3",
      ]
    ),
    (
      "tpu-v5e",
      [
        "v5e", "tpu-v5-lite", "tpu-v5-lite-podslice", "v5litepod", "ct5lp-hightpu-1t",
      ]
    ),
    (
      "xeon-8480",
      [
        "xeon-8480+", "xeon-platinum-8480+", "xeon-platinum-8480c",
      ]
    ),
    (
      "ryzen-9950x",
      [
        "ryzen-9-9950x", "ryzen-9-9950x-16-core-processor",
      ]
    ),
  ]

  /// Names that more than one profile has.
  static let ambiguous: [String: [String]] = [
    "a100": ["a100-40g", "a100-80g"],
    "a100-sxm4": ["a100-40g", "a100-80g"],
    "h100": ["h100-sxm", "h100-pcie"],
    "v100": ["v100-16g", "v100-32g"],
    "v100-sxm2": ["v100-16g", "v100-32g"],
  ]

  /// Cards of their own without a profile: the one that is most like it, and what differs.
  static let kin: [String: (profile: String, difference: String)] = [
    "a100-pcie-40gb": ("a100-40g", "250 W, PCIe or NVLink bridge"),
    "a100-80gb-pcie": ("a100-80g", "1.935e12 byte/s, 300 W, no NVLink switch"),
    "a100-pcie-80gb": ("a100-80g", "1.935e12 byte/s, 300 W, no NVLink switch"),
    "h100-nvl": ("h100-pcie", "94 GB (95830 MiB), 3.9e12 byte/s"),
    "gh200": ("h100-sxm", "96 GB HBM3 at 4e12 or 144 GB HBM3e, C2C"),
    "gh200-480gb": ("h100-sxm", "96 GB HBM3 at 4e12 or 144 GB HBM3e, C2C"),
    "h200-nvl": ("h200-sxm", "600 W, PCIe and bridge"),
    "h800": ("h100-sxm", "NVLink 400 GB/s"),
    "a800-sxm4-80gb": ("a100-80g", "NVLink 400 GB/s"),
    "h20-3e": ("h20", "141 GB HBM3e, 4.8e12 byte/s"),
    "a10g": ("a10", "about 70e12 in bf16, 300 W"),
    "l40": ("l40s", "181e12 in bf16"),
    "l20": ("l40s", "119.5e12 in bf16"),
    "rtx-5090-d": ("rtx-5090", "reduced AI rate"),
    "rtx-5090-laptop-gpu": ("rtx-5090", "another chip, 24 GB"),
    "rtx-4090-d": ("rtx-4090", "14592 cores"),
    "rtx-4090-laptop-gpu": ("rtx-4090", "another chip, 16 GB"),
    "rtx-3090-ti": ("rtx-3090", "10752 cores, 1.008e12 byte/s"),
    "b100": ("b200", "700 W"),
    "b300": ("b200", "275040 MiB"),
    "gb300": ("gb200", "284208 MiB"),
    "mi300a": ("mi300x", "128 GB, 228 units"),
    "mi308x": ("mi300x", "80 units"),
    "mi325x": ("mi300x", "256 GB at 6e12 byte/s"),
    "mi350x": ("mi355x", "1000 W, 2.2 GHz"),
    "v100-pcie-16gb": ("v100-16g", "112e12 in fp16, 250 W, no NVLink"),
    "gaudi-2": ("gaudi-3", "96 GB, 432e12 in bf16"),
    "mi250": ("mi250x", "208 of 220 units"),
  ]
}
