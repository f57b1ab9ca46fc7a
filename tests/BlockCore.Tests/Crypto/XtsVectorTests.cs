using BlockGraph.BlockCore.Crypto;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>XTS against vectors of NIST's validation programme (XTSGenAES128 and XTSGenAES256, data units of whole blocks).</summary>
[TestFixture]
public sealed class XtsVectorTests
{
    // Tweaks as they are: "format tweak value input - 128 hex str".
    [TestCase("a1b90cba3f06ac353b2c343876081762090923026e91771815f29dab01932f2f", "4faef7117cda59c66e4b92013e768ad5", "ebabce95b14d3c8d6fb350390790311c", "778ae8b43cb98d5a825081d5be471c63")]
    [TestCase("8f59462c1327fd6411cb6b02c04bf0a129f145c276a38693c745de3118c90a2f", "f2b86793b29e730e4a627b6ee161706c", "f7049f8aa312aeb1ab99ad11a1d7a720", "e59fca86c3c906f3df67418636a28767")]
    [TestCase("e4eb402fae4395ff08e1280b0cd4d356e7a1e8c28aad13b9a6fef8b88ccd2e84", "b611ff70e6653cb68b14354f2b3cba74", "132097c5236eddea183235ba1e7b50f9", "268160fa57392906007199d45e988e56")]
    [TestCase("b7b93f516aef295eff3a29d837cf1f135347e8a21dae616ff5062b2e8d78ce5e", "873edea653b643bd8bcf51403197ed14", "236f8a5b58dd55f6194ed70c4ac1a17f1fe60ec9a6c454d087ccb77d6b638c47", "22e6a3c6379dcf7599b052b5a749c7f78ad8a11b9f1aa9430cf3aef445682e19")]
    [TestCase("46187e8ad7b6326f31e71685fa92ba95f53a39c6f64c09e8d3d649e194f7ae6c", "033c759ba1dbf346eb125c8eb84e3646", "e211b2b7511a43a88df116cf6ff06a296a63089d74831569090a2fb8e31f4130", "1166257c5973d23e14dde02bf345e53b0da2e5ca765598c7e84ae3698afdf6b3")]
    [TestCase("733147f0aaea884f089f155679256bd1c1b6c1fd8125ce09598976d1e38d04f4", "3ab2dcb01dd53bc87612be160953ff5d", "fae4473b11987843bd0446230c5a78d14dc6c13088433ff0f63c77fb64b768b6", "2863f64ca0dde3b1c3df0cc4f4a0c2ca0882ca17ca1673d3b8475576091e1863")]
    [TestCase("c805959c6e84654cded8de7c89f735b327cccf7aa2b96563e4b4a06a400a5631", "64704fe92c7ffbb2b2618f65eb5f2977", "2ad4ce1768302eb76842741403beb103f6cfc3517acb80fc1d646e824b4cac1e", "62e4d0b8a0f07ab6595219aad7eb40fdcb18dc5c21ca7c772649ad4214767b0b")]
    [TestCase("1ea661c58d943a0e4801e42f4b0947149e7f9f8e3e68d0c7505210bd311a0e7cd6e13ffdf2418d8d1911c004cda58da3d619b7e2b9141e58318eea392cf41b08", "adf8d92627464ad2f0428e84a9f87564", "2eedea52cd8215e1acc647e810bbc3642e87287f8d2e57e36c0a24fbc12a202e", "cbaad0e2f6cea3f50b37f934d46a9b130b9d54f07e34f36af793e86f73c6d7db")]
    [TestCase("e149be00177d76b7c1d85bcbb6b5054ee10b9f51cd73f59e0840628b9e7d854e2e1c0ab0537186a2a7c314bbc5eb23b6876a26bcdbf9e6b758d1cae053c2f278", "0ea18818fab95289b1caab4e61349501", "f5f101d8e3a7681b1ddb21bd2826b24e32990bca49b39291b5369a9bca277d75", "5bf2479393cc673306fbb15e72600598e33d4d8a470727ce098730fd80afa959")]
    [TestCase("266c336b3b01489f3267f52835fd92f674374b88b4e1ebd2d36a5f457581d9d042c3eef7b0b7e5137b086496b4d9e6ac658d7196a23f23f036172fdb8faee527", "06b209a7a22f486ecbfadb0f3137ba42", "ca7d65ef8d3dfad345b61ccddca1ad81de830b9e86c7b426d76cb7db766852d981c6b21409399d78f42cc0b33a7bbb06", "c73256870cc2f4dd57acc74b5456dbd776912a128bc1f77d72cdebbf270044b7a43ceed29025e1e8be211fa3c3ed002d")]

    // Numbers of data units: COUNT 6 of AES128, number 99.
    [TestCase("8b737d182017a79a613929b07b70e80e74235daab3f4d3d55ef4d52adbc44e06", "63000000000000000000000000000000", "895bf08d41b28798be0f576fdb03b710", "66322199dd397609231cb3e9495f992e")]
    public void A_vector_holds_in_both_directions(string key, string tweak, string plain, string encrypted)
    {
        foreach (Func<byte[], AesBlocks> create in AesKinds.All)
        {
            byte[] keys = Convert.FromHexString(key);
            using XtsCipher cipher = new(create(keys[..(keys.Length / 2)]), create(keys[(keys.Length / 2)..]), new FixedIv(Convert.FromHexString(tweak)));
            Check(cipher, Convert.FromHexString(plain), Convert.FromHexString(encrypted));
        }
    }

    // IEEE 1619, annex B, vectors 2 and 3: the number is that of a sector.
    [TestCase("1111111111111111111111111111111122222222222222222222222222222222", "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0")]
    [TestCase("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f022222222222222222222222222222222", "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89")]
    public void A_sector_number_is_the_tweak(string key, string encrypted)
    {
        const long SectorNumber = 0x3333333333;
        byte[] keys = Convert.FromHexString(key);
        using XtsCipher cipher = new(AesBlocks.Create(keys.AsSpan(0, 16)), AesBlocks.Create(keys.AsSpan(16)), new PlainIv(hasAllBits: true));
        byte[] plain = Enumerable.Repeat((byte)0x44, 32).ToArray();
        Check(cipher, plain, Convert.FromHexString(encrypted), SectorNumber);
    }

    // A block's encryption depends on its own contents and place alone: so a short data unit is the beginning of a sector.
    private static void Check(XtsCipher cipher, byte[] plain, byte[] encrypted, long sector = 0)
    {
        byte[] sectorBytes = new byte[SectorCipher.SectorBytes];
        plain.CopyTo(sectorBytes, 0);
        cipher.Encrypt(sector, sectorBytes, sectorBytes);
        Assert.That(sectorBytes[..plain.Length], Is.EqualTo(encrypted), "encrypted");
        cipher.Decrypt(sector, sectorBytes, sectorBytes);
        Assert.That(sectorBytes[..plain.Length], Is.EqualTo(plain), "and back");
    }

    private sealed class FixedIv(byte[] vector) : SectorIv
    {
        public override void Fill(long firstSector, Span<byte> vectors) => vector.CopyTo(vectors);

        public override void Dispose()
        {
        }
    }
}
