/** Turkish: in the order of the English words. */

export default `
Yeni sürüm hazır
Size uygun bir zamanda yenileyin.
Şimdi yenile
Daha sonra
Ek süre
Süre dolduğunda sayfa kendiliğinden yenilenir.
Güvenlik güncellemesi hazır
Bu sürümde bilinen bir güvenlik sorunu var.
Neden: {reason}
Bekleniyor: “{holds}” (en fazla {time}).
kaydedilmemiş veriler
Yine de yenile
Lütfen bekleyin…
Güncelleme burada henüz yok. Denemeye devam edeceğiz.
Sayfa güncellenemedi
Çalışmaya devam edebilirsiniz. Sorun olursa sekmeyi yeniden açın.
Kapat
Süre dolduğunda sayfa “{holds}” için bekler (en fazla {time}).
Önceki bir sürüme döndük
devam eden bir işlem`;
